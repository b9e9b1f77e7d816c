import { type Doc, docsOf } from '../bson.ts';
import { CommandError } from '../errors.ts';
import type { GatewayOptions, ReplicaSetConfig, ReplicaSetMember } from './options.ts';

/** This node's view of its replica set: one primary with the data, and members that mirror it. */
export class ReplicaSet {
  /** The name from the command line; `undefined` for a standalone. */
  readonly name: string | undefined;
  config: ReplicaSetConfig | null;
  /** Address of the primary when this node only mirrors it. */
  mirrorOf: string | null = null;
  readonly #options: GatewayOptions;
  readonly #port: () => number;

  constructor(options: GatewayOptions, port: () => number) {
    this.name = options.replSet;
    this.config = options.config ?? null;
    this.#options = options;
    this.#port = port;
  }

  /** Whether this node may be written to. */
  get isWritable(): boolean {
    return this.mirrorOf === null && this.isServing;
  }

  /** Whether this node may be read from: a member of a set that was not initiated yet may not. */
  get isServing(): boolean {
    return this.name === undefined || this.config !== null;
  }

  /** This node's address, as the configuration names it. */
  get self(): string {
    return this.memberOf(this.config)?.host ?? `127.0.0.1:${this.#port()}`;
  }

  get primary(): string {
    return this.mirrorOf ?? this.self;
  }

  /** The member that is this node. */
  memberOf(config: ReplicaSetConfig | null): ReplicaSetMember | undefined {
    return config?.members.find((member) => member.host.endsWith(`:${this.#port()}`));
  }

  /** Makes this node the primary of `config`. */
  initiate(config: ReplicaSetConfig): void {
    this.#adopt(config);
    this.#options.say?.('Replica set state transition to PRIMARY from SECONDARY');
    this.#options.say?.('transition to primary complete; database writes are now permitted');
  }

  reconfigure(config: ReplicaSetConfig): void {
    this.#adopt(config);
  }

  /** Makes this node a mirror. That is not kept: the primary tells it again when the set is made again. */
  follow(config: ReplicaSetConfig, primary: string): void {
    this.config = config;
    this.mirrorOf = primary;
    this.#options.saveConfig?.(null);
    this.#options.say?.('Replica set state transition to SECONDARY from STARTUP2');
  }

  #adopt(config: ReplicaSetConfig): void {
    this.config = config;
    this.#options.saveConfig?.(config);
  }
}

/** Reads a configuration that a client sent. Throws InvalidReplicaSetConfig. */
export function readReplicaSetConfig(value: Doc, version: number): ReplicaSetConfig {
  const { _id, members } = value;
  if (typeof _id !== 'string') throw new CommandError(93, 'The replica set configuration needs a name in _id');
  if (!Array.isArray(members) || members.length === 0) {
    throw new CommandError(93, 'The replica set configuration needs at least one member');
  }
  return { _id, version, members: docsOf(members).map(readMember) };
}

function readMember(value: Doc, index: number): ReplicaSetMember {
  const { host } = value;
  if (typeof host !== 'string' || !/:\d+$/.test(host)) {
    throw new CommandError(93, `members.${index}.host must be of the form host:port`);
  }
  return {
    _id: Number(value['_id'] ?? index),
    host,
    ...(value['arbiterOnly'] === true ? { arbiterOnly: true } : {}),
    ...(value['hidden'] === true ? { hidden: true } : {}),
    ...(value['priority'] === undefined ? {} : { priority: Number(value['priority']) }),
    ...(value['votes'] === undefined ? {} : { votes: Number(value['votes']) }),
  };
}
