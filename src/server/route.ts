import type { Problem } from '../base/problem.js';
import type { Role } from '../manager/accounts/grants.js';
import type { User } from '../manager/accounts/accounts.js';

/** JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** What ajv compiles a schema to, at build time. */
export interface Validate {
  (value: unknown): boolean;
  errors?: readonly Violation[] | null;
}

/** A rule of a schema that a value breaks. */
export interface Violation {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Who may call a route. `nobody`: everyone, without an account. `anybody`: every user; what he gets is what he may see. A
 * role: on the group of the VM that the path names as `:name`, else on the root group.
 */
export type Right = 'nobody' | 'anybody' | { readonly role: Role; readonly on: 'vm' | 'root' };

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What a route answers with one status. */
export interface AnswerRow {
  readonly words: string;
  /** Absent: there is no body. */
  readonly schema?: Schema;
  /** Default: `application/json`. */
  readonly type?: string;
  /** Where the client may ask for another: each is text. */
  readonly otherTypes?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** A header of a request. */
export interface HeaderRow {
  readonly words: string;
  readonly schema: Schema;
}

/** What a request may have as its body. */
export type BodyRow =
  | {
      readonly kind: 'json';
      readonly schema: Schema;
      readonly validate: Validate;
      /** There may be none, which is `{}`. */
      readonly isOptional?: true;
    }
  /** Text that the handler reads: a spec. */
  | { readonly kind: 'text'; readonly types: readonly string[]; readonly words: string; readonly schema?: Schema };

/** A row of an API: all that the server, and its description, have to know of a route. */
export interface Route {
  readonly method: Method;
  /** As find-my-way has it: `/api/v1/vms/:name`. */
  readonly path: string;
  /** Unique; its name in a client that is made of the description. */
  readonly id: string;
  readonly summary: string;
  readonly right: Right;
  /** By name: what is not named is refused. All are text. */
  readonly query?: {
    readonly schema: Schema & { readonly properties: Readonly<Record<string, Schema>> };
    readonly validate: Validate;
  };
  /** Headers of the request that the handler reads, in lower case. */
  readonly headers?: Readonly<Record<string, HeaderRow>>;
  readonly body?: BodyRow;
  /** By status. Those of wrong requests are the same for all routes. */
  readonly answers: Readonly<Record<number, AnswerRow>>;
  readonly handle: (request: Asked) => Answer | Promise<Answer>;
}

/** A request that is allowed and valid. */
export interface Asked {
  readonly asker: Visitor;
  /** Decoded. */
  readonly params: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of a `json` body: the value. */
  readonly body: unknown;
  /** Of any body: as it was sent. */
  readonly text: string;
  /** Its media type, without parameters. */
  readonly type: string;
  /** Of these media types, the one that the client likes best; the first where it does not care. */
  readonly preferred: (types: readonly [string, ...string[]]) => string;
  /** The host that asks, as one of those that are to have the same share. */
  readonly from: string;
  /** Aborted when the client has gone, or the server is to end. */
  readonly signal: AbortSignal;
}

/** Who asks, and what he may do. */
export interface Visitor {
  /** `socket`, or the name of a user. */
  readonly by: string;
  /** How he has shown who he is. */
  readonly via: 'socket' | 'token' | 'session' | 'nothing';
  readonly user?: User;
  readonly may: (role: Role, group: string) => boolean;
  /** Still true: a session may have ended since, a token may have been removed. */
  readonly isWelcome: () => boolean;
}

/** One message of a stream of server-sent events. */
export interface StreamEvent {
  readonly id?: string;
  readonly event: string;
  readonly data: unknown;
}

/** What a handler gives back; the server does the rest. */
export interface Answer {
  /** Default: 200, or 204 without a document. */
  readonly status?: number;
  /** Written as JSON. */
  readonly document?: unknown;
  /** In its place. */
  readonly text?: { readonly type: string; readonly content: string };
  /** Only called where somebody is to read it. The server calls `return` when nobody does any more. */
  readonly events?: () => AsyncIterableIterator<StreamEvent> & {
    /** The id of the event that comes before its first: a client that is cut off before that asks to go on from it. */
    readonly after?: string | undefined;
    readonly return: () => Promise<unknown>;
  };
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the document: a client that has it already gets 304. */
  readonly etag?: string;
  /** The visitor has signed in as this user: he gets a session. */
  readonly signIn?: User;
  /** His session, or all of a user's, end. */
  readonly signOut?: true;
}

/** For a handler's own refusals. */
export const problemOf = (code: string, message: string, fix?: string): Problem => ({
  code,
  severity: 'error',
  message,
  ...(fix === undefined ? {} : { fix }),
});
