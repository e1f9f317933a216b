import path from 'node:path';
import { ProblemsError } from '../base/problem.js';
import { checkDuration, milliseconds } from '../fields/durations.js';
import { defaultRunBase } from '../host/run-directory/run-base.js';
import { readDocument, type DocumentKind } from '../spec/read-document.js';
import { formatOfFile, readText, type ReadWords } from '../spec/read.js';
import { configurationSchema, stopBudgetDefault, type ConfigurationFields } from './configuration-schema.js';
import validate from './generated/validate-configuration.js';
import { socketIn } from './socket.js';

/** What a manager does, and where: defaults applied, paths absolute. */
export interface Configuration {
  /** The file that it was read from; undefined: there is none. */
  readonly file: string | undefined;
  readonly specs: string;
  readonly state: string;
  readonly runBase: string;
  readonly bhyve: string | undefined;
  readonly listen: readonly string[];
  readonly tls: { readonly certificate: string; readonly key: string } | undefined;
  readonly hosts: readonly string[];
  readonly basePath: string | undefined;
  readonly trustedProxies: readonly string[];
  readonly initialPasswordFile: string;
  readonly stopBudgetMs: number;
}

/** For whom a configuration is. */
export interface ConfigurationOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number | undefined;
  readonly workingDirectory: string;
  /** Turns the folders of state and runs into those of simulated VMs, which real ones do not share. */
  readonly isSimulated?: boolean;
}

/** The file that is read where none is named, if it is there. */
export const usualConfiguration = (options: Pick<ConfigurationOptions, 'env' | 'uid'>): string =>
  path.join(configFolder(options), 'vmrun-manager.conf');

function configFolder({ env, uid }: Pick<ConfigurationOptions, 'env' | 'uid'>): string {
  return uid === 0 ? '/usr/local/etc' : userFolder(env, 'XDG_CONFIG_HOME', '.config');
}

function userFolder(env: ConfigurationOptions['env'], variable: string, below: string): string {
  const named = env[variable];
  if (named !== undefined && path.isAbsolute(named)) return named;
  const { HOME: home } = env;
  return path.join(home !== undefined && path.isAbsolute(home) ? home : '/nonexistent', below);
}

const words: ReadWords = {
  what: 'a configuration',
  mostBytes: 1024 * 1024,
  inDirectory: 'name the file in it',
  whenMissing: 'check the path, or leave -c out: everything has a default',
  whenEmpty: 'an empty configuration is {}, and everything has a default',
  whenInputEmpty: 'an empty configuration is {}, and everything has a default',
};

const kind: DocumentKind = {
  schema: configurationSchema,
  validate,
  spoken: {
    whole: 'the configuration',
    tag: { code: 'unknown-kind', meaning: 'the kind', noun: 'a kind' },
  },
};

/**
 * Reads a configuration.
 * @param file undefined: there is none, and everything has its default
 * @throws ProblemsError with all that is wrong with it, each with its place
 */
export async function readConfiguration(
  file: string | undefined,
  options: ConfigurationOptions,
): Promise<Configuration> {
  const { workingDirectory } = options;
  if (file === undefined) return withDefaults(undefined, {}, options);
  const { name, text } = readText(file, workingDirectory, words);
  const whole = path.resolve(workingDirectory, file);
  const resolveFile = (written: string): string => path.resolve(path.dirname(whole), written);
  const read = await readDocument({ name, text, format: formatOfFile(file), resolveFile }, kind);
  if (!read.ok) throw new ProblemsError('spec', name, read.problems);
  // The schema has been checked: here `unknown` gets its type.
  const fields = read.value.value as ConfigurationFields;
  const problems = checkConfiguration(fields).map((finding) => read.value.problem(finding));
  if (problems.length > 0) throw new ProblemsError('spec', name, problems);
  return withDefaults(whole, fields, options);
}

/** What the schema cannot say. */
function checkConfiguration({ stop_budget: budget = stopBudgetDefault, listen = [], tls }: ConfigurationFields) {
  const isSecure = (address: string): boolean => address.startsWith('https:');
  return [
    ...checkDuration('/stop_budget', budget),
    ...listen.flatMap((address, index) =>
      listen.indexOf(address) === index
        ? []
        : [{ code: 'listen-twice', pointer: `/listen/${index}`, message: 'this is listed twice', fix: 'keep one' }],
    ),
    ...(tls === undefined || listen.some(isSecure)
      ? []
      : [
          {
            code: 'tls-unused',
            pointer: '/tls',
            message: 'nothing listens with TLS',
            fix: 'add an address such as "https://0.0.0.0:8443" to "listen", or leave "tls" out',
          },
        ]),
  ];
}

function withDefaults(
  file: string | undefined,
  fields: ConfigurationFields,
  { env, uid, isSimulated = false }: ConfigurationOptions,
): Configuration {
  const isRoot = uid === 0;
  const apart = (folder: string): string => (isSimulated ? `${folder}-simulated` : folder);
  const runBase = apart(fields.run_dir ?? defaultRunBase(env, uid));
  const state = apart(
    fields.state ?? (isRoot ? '/var/db/vmrun' : path.join(userFolder(env, 'XDG_STATE_HOME', '.local/state'), 'vmrun')),
  );
  return {
    file,
    specs: fields.specs ?? path.join(configFolder({ env, uid }), 'vmrun'),
    state,
    runBase,
    bhyve: fields.bhyve,
    listen: fields.listen ?? [`unix:${socketIn(runBase)}`],
    tls: fields.tls,
    hosts: fields.hosts ?? [],
    basePath: fields.base_path,
    trustedProxies: fields.trusted_proxies ?? [],
    initialPasswordFile: fields.initial_password_file ?? path.join(state, 'initial-password'),
    stopBudgetMs: milliseconds(fields.stop_budget ?? stopBudgetDefault),
  };
}
