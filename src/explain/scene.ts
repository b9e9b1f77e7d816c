import { randomUUID } from 'node:crypto';
import type { InjectOptions, LightMyRequestResponse as Response } from 'fastify';
import mongoose, { Types } from 'mongoose';
import type { ExternalIdentity } from '../lib/identity/claims.ts';
import type { Mail } from '../lib/mail/messages.ts';
import { sealBatch } from '../models/audit-sealing.ts';
import { rememberArrival } from '../models/identity-authorization.ts';
import { mailOf, Outbox, type OutboxRecord } from '../models/outbox.ts';
import { type Role, User } from '../models/user.ts';
import { loggedUrl } from '../plugins/request-context.ts';
import { relyingPartyOf } from '../relying-party.ts';
import type { App } from '../types/fastify.ts';
import { recordCommands, type SentCommand } from './record.ts';

/** Long enough for the strictest policy. */
export const PASSWORD = 'a password that only this scene knows, and of sixty-four letters';

/** Somebody who is signed in. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly sessionId: string;
  readonly refreshToken: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface SceneRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  /** Instead of a body: what a page posts. */
  readonly form?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly as?: Person;
  /** The status that the answer has to have; without it, any that is no error. */
  readonly expect?: number;
}

/** A request with the commands that the service sent for it. */
export interface RecordedRequest {
  /** Without values of parameters that may be about a person. */
  readonly request: string;
  readonly sent: readonly SentCommand[];
}

/** Drives one route through the requests that tell its queries: each way through its code that asks the database. */
export type Exercise = (scene: Scene) => Promise<void>;

/**
 * Where requests are tried: an instance over a database whose accounts are its to change. Each person that it gives
 * is another of those accounts, and one made up once all were given away: how many it takes grows with the collections.
 */
export class Scene {
  readonly recorded: RecordedRequest[] = [];
  readonly #app: App;
  #last = new Types.ObjectId('0'.repeat(24));
  /** Ids that one process makes go up: what requests make comes after this, and is nobody to act as. */
  readonly #began = new Types.ObjectId();
  #admin: Promise<Person> | undefined;

  constructor(app: App) {
    this.#app = app;
  }

  /** Of a page on which its passkeys may be used. */
  get origin(): string {
    return relyingPartyOf(this.#app.config).origins[0] ?? '';
  }

  /** Sends a request and records what it makes the service ask the database. */
  async send(request: SceneRequest): Promise<Response> {
    const { result, sent } = await recordCommands(mongoose.connection.getClient(), () => this.prepare(request));
    const search = request.query ? loggedUrl(`?${new URLSearchParams(request.query)}`) : '';
    this.recorded.push({ request: `${request.method} ${request.url}${search}`, sent });
    return result;
  }

  /** Sends a request that only leads to the one that is wanted. @throws when the answer is not the expected one */
  async prepare({ as, expect, body, form, query, headers, method, url }: SceneRequest): Promise<Response> {
    const payload = form ? new URLSearchParams(form).toString() : body === undefined ? undefined : JSON.stringify(body);
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const options: InjectOptions = {
      method,
      url,
      headers: { ...as?.headers, ...(payload !== undefined && { 'content-type': type }), ...headers },
      ...(query && { query }),
      ...(payload !== undefined && { payload }),
    };
    const response = await this.#app.inject(options);
    // What an answer has put off belongs to its request.
    await this.#app.settled();
    const { statusCode } = response;
    if (expect === undefined ? statusCode >= 400 : statusCode !== expect)
      throw new Error(`${method} ${url} answered ${statusCode}, not ${expect ?? 'a success'}: ${response.body}`);
    return response;
  }

  /** The next account, made active and signed in. */
  async person(roles: readonly Role[] = ['user']): Promise<Person> {
    const { id, email } = await this.nextAccount(roles);
    const response = await this.prepare({
      method: 'POST',
      url: '/v1/sessions',
      body: { email, password: PASSWORD },
    });
    const { session, accessToken, refreshToken } = response.json();
    const headers = { authorization: `Bearer ${accessToken}` };
    return { id, email, sessionId: session.id, refreshToken, headers };
  }

  /** The newest mail about an account. @throws when there is none */
  async lastMail(id: string): Promise<Mail> {
    const record = await Outbox.findOne({ userId: id }).sort({ _id: -1 }).lean<OutboxRecord>();
    if (!record) throw new Error(`no mail is about ${id}`);
    return mailOf(this.#app.deps.keyring, record);
  }

  /** The token of the newest mail that has one, from its link. @throws when there is none */
  async lastToken(template: Mail['template']): Promise<string> {
    const record = await Outbox.findOne({ template }).sort({ _id: -1 }).lean<OutboxRecord>();
    const { link = '' } = record ? (mailOf(this.#app.deps.keyring, record).data as { link?: string }) : {};
    const [, token] = link.split('#token=');
    if (token === undefined) throw new Error(`no mail of ${template} has a token`);
    return token;
  }

  /** The same one each time: whoever acts on others is not acted on. */
  admin(): Promise<Person> {
    this.#admin ??= this.person(['user', 'admin']);
    return this.#admin;
  }

  /** Seals what has been recorded, as a job does. */
  async seal(): Promise<void> {
    const { deps, config } = this.#app;
    while (await sealBatch({ keyring: deps.keyring, retentionDays: config.AUDIT_RETENTION_DAYS }));
  }

  /** The code of somebody who has come back from an identity provider, for a client or for a session. */
  arrival(identity: ExternalIdentity, end: { codeChallenge: string } | { session: string }): Promise<string> {
    return rememberArrival(this.#app.deps.keyring, { proven: { identity }, ...end });
  }

  async nextAccount(
    roles: readonly Role[] = ['user'],
    { emailVerified = true } = {},
  ): Promise<{ id: string; email: string }> {
    const at = new Date();
    const { _id, email } = await User.findOneAndUpdate(
      { _id: { $gt: this.#last, $lt: this.#began } },
      {
        $set: { status: 'active', roles, emailVerified, passwordHash: await this.#app.deps.passwords.hash(PASSWORD) },
        $unset: { legalHold: 1, deletedAt: 1, purgeAt: 1, previousStatus: 1 },
        $setOnInsert: { _id: new Types.ObjectId(), email: `${randomUUID()}@example.com`, createdAt: at, updatedAt: at },
      },
      {
        sort: { _id: 1 },
        projection: { email: 1 },
        timestamps: false,
        upsert: true,
        returnDocument: 'after',
      },
    )
      .orFail()
      .lean();
    this.#last = _id;
    return { id: _id.toHexString(), email };
  }
}
