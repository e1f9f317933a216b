import { X509Certificate } from 'node:crypto';
import { errorReason } from '../base/error-words.js';
import { hostname } from 'node:os';
import path from 'node:path';
import { readBounded } from '../base/bounded-file.js';
import { codeOf } from '../base/error-code.js';
import { ProblemsError } from '../base/problem.js';
import { removePrivateFile, replacePrivateFile } from '../host/files/replace-file.js';
import { doubtOf, readersOf } from '../host/files/trust.js';
import type { Clock } from '../host/clock.js';
import type { RunTool } from '../host/process/tools.js';

/** What TLS needs, and how people know it again. */
export interface Certificate {
  readonly certificate: Buffer;
  readonly key: Buffer;
  /** SHA-256 of the certificate, in hex with colons. */
  readonly fingerprint: string;
  /** We made it: no browser trusts it until somebody has compared the fingerprint. */
  readonly isSelfSigned: boolean;
}

/** Files with a certificate and its key, PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Chains are a few KiB. */
const mostBytes = 1024 * 1024;

const refuse = (file: string, message: string, fix: string, cause?: unknown): never => {
  throw Object.assign(
    new ProblemsError('host', file, [{ code: 'certificate', severity: 'error', message, fix }]),
    cause === undefined ? {} : { cause },
  );
};

/** @throws ProblemsError where a file cannot be read, does not fit, or others can read the key */
export function readCertificate({ certificate, key }: CertificateFiles): Certificate {
  const reader = readersOf(key) ?? doubtOf(key);
  if (reader !== undefined) refuse(key, `the key of the certificate ${reader.why}`, `chmod 600 ${key}`);
  const read = (file: string): Buffer => {
    try {
      return (
        readBounded(file, { most: mostBytes, isRegular: true }) ?? refuse(file, 'it is too large', 'check the file')
      );
    } catch (error) {
      if (error instanceof ProblemsError) throw error;
      return refuse(file, `it cannot be read: ${errorReason(error)}`, 'check the file');
    }
  };
  return loaded(read(certificate), read(key), certificate, false);
}

function loaded(certificate: Buffer, key: Buffer, file: string, isSelfSigned: boolean): Certificate {
  try {
    return { certificate, key, fingerprint: new X509Certificate(certificate).fingerprint256, isSelfSigned };
  } catch (error) {
    return refuse(file, 'it holds no certificate in PEM form', 'check the file', error);
  }
}

const names = { certificate: 'tls-certificate.pem', key: 'tls-key.pem' };
const validDays = 825;
/** One that ends soon is made anew at the start. */
const renewBeforeMs = 30 * 24 * 3_600_000;

/**
 * The certificate that an earlier start has made, or a new one, by openssl(1).
 * @param folder of ours alone
 * @throws ProblemsError where openssl fails
 */
export async function selfSignedCertificate(
  folder: string,
  { run, clock }: { readonly run: RunTool; readonly clock: Pick<Clock, 'now'> },
): Promise<Certificate> {
  const files = { certificate: path.join(folder, names.certificate), key: path.join(folder, names.key) };
  const old = readOld(files);
  if (old !== undefined && isGood(old.certificate, clock.now())) return old;
  const fresh = path.join(folder, '.tls-key.pem.new');
  const host = hostname();
  const argv = [
    ...['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', String(validDays), '-subj', `/CN=${host.slice(0, 64)}`, '-keyout', fresh],
    ...['-addext', `subjectAltName=DNS:${host},DNS:localhost,IP:127.0.0.1,IP:::1`],
  ];
  try {
    // Made here with our mode: openssl writes into it.
    replacePrivateFile(fresh, '');
    const { exitCode, stdout, stderr, failure } = await run(argv, { timeoutMs: 60_000 });
    if (exitCode !== 0) {
      const why = stderr.trim().split('\n').at(-1) ?? failure ?? '';
      refuse(
        'openssl',
        `no certificate can be made: ${failure ?? why}`,
        'install openssl, or name a certificate in "tls"',
      );
    }
    const key = readBounded(fresh, { most: mostBytes, isRegular: true }) ?? Buffer.alloc(0);
    const made = loaded(Buffer.from(stdout), key, files.certificate, true);
    replacePrivateFile(files.key, key);
    replacePrivateFile(files.certificate, stdout);
    return made;
  } finally {
    removePrivateFile(fresh);
  }
}

function readOld(files: CertificateFiles): Certificate | undefined {
  try {
    const read = (file: string): Buffer => readBounded(file, { most: mostBytes, isRegular: true }) ?? Buffer.alloc(0);
    return loaded(read(files.certificate), read(files.key), files.certificate, true);
  } catch (error) {
    // A damaged one is made anew, as one that is not there.
    if (codeOf(error) === 'ENOENT' || error instanceof ProblemsError) return undefined;
    throw error;
  }
}

const isGood = (certificate: Buffer, now: Date): boolean => {
  const { validTo, subjectAltName = '' } = new X509Certificate(certificate);
  return Date.parse(validTo) - now.getTime() > renewBeforeMs && subjectAltName.includes(`DNS:${hostname()}`);
};
