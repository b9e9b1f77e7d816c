import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { Types } from 'mongoose';
import type { Config } from '../config.ts';
import type { IdentityProviders } from '../lib/identity/provider.ts';
import type { Keyring } from '../lib/keyring.ts';
import type { Passwords } from '../lib/passwords.ts';
import type { Permission } from '../lib/permissions.ts';
import type { Metrics } from '../metrics.ts';
import type { CodeFailures } from '../models/code-failures.ts';
import type { Limit } from '../models/rate-limit.ts';
import type { LiveSession } from '../models/session.ts';
import type { SignInFailures } from '../models/sign-in-failures.ts';
import type { SigningKeys } from '../models/signing-keys.ts';
import type { Role } from '../models/user.ts';
import type { NameKeeping } from '../models/user-names.ts';

/** The service as its plugins and routes see it: schemas give the types of what they receive. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** Who may call a route; the scope that it is registered in says so. */
export type Access = 'public' | 'signed-in' | 'recently-authenticated' | 'admin';

/** A route as it is registered, with what its scope says of it. */
export interface RouteEntry {
  readonly method: string;
  readonly url: string;
  readonly access: Access | undefined;
  readonly permission: Permission | undefined;
  readonly role: Role | undefined;
  readonly recent: boolean;
  readonly sessionOnly: boolean;
  readonly optionalSession: boolean;
}

/** What one read of the session tells about whoever calls. */
export type AuthenticatedSession = LiveSession;

/** The API key that calls, in the admin scope; the name of its actor in the audit trail. */
export interface AuthenticatedApiKey {
  readonly _id: Types.ObjectId;
}

/** What the routes need besides the request; tests pass the same. */
export interface Dependencies {
  readonly keyring: Keyring;
  readonly names: NameKeeping;
  readonly passwords: Passwords;
  readonly codeFailures: CodeFailures;
  readonly signInFailures: SignInFailures;
  readonly signingKeys: SigningKeys;
  readonly identityProviders: IdentityProviders;
  /** Default: one that writes to the standard output. */
  readonly logger?: FastifyBaseLogger;
  /** Aborted once the service is about to end and requests had better go elsewhere. Default: never. */
  readonly leaving?: AbortSignal;
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly config: Config;
    readonly deps: Dependencies;
    readonly metrics: Metrics;
    /** Every route of this instance; complete once it is ready. */
    readonly routeTable: readonly RouteEntry[];
  }

  interface FastifyRequest {
    /** Null where nobody is signed in. */
    session: AuthenticatedSession | null;
    /** Null where no API key calls: outside the admin scope none is taken. */
    apiKey: AuthenticatedApiKey | null;
    /** What whoever calls may do; null where nobody does. */
    permissions: ReadonlySet<Permission> | null;
  }

  interface FastifyContextConfig {
    access?: Access;
    permission?: Permission;
    /** Instead of a permission: a role. No API key has any. */
    role?: Role;
    /**
     * For dangerous acts in the admin scope: a session must have been proven within the last minutes. An API key passes:
     * it is not left behind in a browser, and whoever gave it the permission had proven who they are.
     */
    recent?: boolean;
    /** An admin route that takes no API key. */
    sessionOnly?: boolean;
    /** How often; shared by all instances but for reads of signed-in accounts. */
    limit?: Limit;
    /** A public route that is told who calls, where somebody does. */
    optionalSession?: boolean;
    /** Hashes a password: refused before anything is asked of the database while too many wait for that. */
    hashes?: boolean;
    /** The response carries a secret, so it is never kept for a replay. */
    secretResponse?: boolean;
    /** Fields of the body that do not tell one request from another under the same idempotency key. */
    fingerprintWithout?: readonly string[];
  }
}
