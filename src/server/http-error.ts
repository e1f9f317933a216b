import { STATUS_CODES } from 'node:http';
import type { Problem } from '../base/problem.js';

/** An error as every API answers it: RFC 9457. */
export interface ErrorDocument {
  /** `urn:vmrun:error:` and the code of the first problem; else `about:blank`. */
  readonly type: string;
  /** What the status means. */
  readonly title: string;
  readonly status: number;
  /** What is wrong, in one sentence. */
  readonly detail: string;
  /** All that is wrong, with places and what to do, as the library has it. */
  readonly problems: readonly Problem[];
}

/** Ends a request with an answer that is an error. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly problems: readonly Problem[],
    /** Beside those that every answer has. */
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(problems.map(({ message }) => message).join('; '));
    this.name = 'HttpError';
  }
}

/** The same with one problem. */
export const httpError = (
  status: number,
  code: string,
  message: string,
  fix?: string,
  headers?: Readonly<Record<string, string>>,
): HttpError =>
  new HttpError(status, [{ code, severity: 'error', message, ...(fix === undefined ? {} : { fix }) }], headers);

/** A login has failed: it counts against the address that it came from. */
export class WrongCredentials extends HttpError {
  constructor() {
    const message = 'the name or the password is wrong';
    super(401, [{ code: 'wrong-credentials', severity: 'error', message }]);
  }
}

export function errorDocument({ status, problems }: HttpError): ErrorDocument {
  const [first] = problems;
  const title = STATUS_CODES[status] ?? 'Error';
  return {
    type: first === undefined ? 'about:blank' : `urn:vmrun:error:${first.code}`,
    title,
    status,
    detail:
      first === undefined ? title : problems.length === 1 ? first.message : `there are ${problems.length} problems`,
    problems,
  };
}
