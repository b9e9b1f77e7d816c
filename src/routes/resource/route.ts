import type { FastifyReply, FastifyRequest, RouteOptions as FastifyRouteOptions } from 'fastify';
import type { TSchema } from 'typebox';
import type { ErrorCode } from '../../errors.ts';
import type { Role } from '../../models/user.ts';
import { closed, Id, problems, signedInProblems } from '../../schemas/common.ts';
import type { App } from '../../types/fastify.ts';
import type { Operation, Plan } from './declaration.ts';
import { operationId } from './plan.ts';

/** Method and URL of each operation, below the path of the collection. */
export const ROUTES: Readonly<
  Record<Operation, readonly [method: 'GET' | 'POST' | 'PATCH' | 'DELETE', suffix: string]>
> = Object.freeze({
  list: ['GET', ''],
  create: ['POST', ''],
  read: ['GET', '/:id'],
  update: ['PATCH', '/:id'],
  delete: ['DELETE', '/:id'],
  restore: ['POST', '/:id/restore'],
});

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

interface GeneratedRoute {
  readonly summary?: string;
  readonly description?: string;
  readonly querystring?: TSchema;
  readonly params?: TSchema;
  readonly headers?: TSchema;
  readonly body?: TSchema;
  readonly response: object;
  readonly handler: Handler;
}

/** The parameters of a URL, all of them ids. */
export const paramsOf = ({ nested }: Plan, single: boolean): TSchema =>
  closed(Object.fromEntries([...nested, ...(single ? ['id'] : [])].map((name) => [name, Id])));

export const isPublic = ({ rules }: Plan, operation: Operation): boolean => rules[operation]?.kind === 'everyone';

/** What a generated route may answer besides its success. */
export function problemsOf(plan: Plan, operation: Operation, ...generated: readonly ErrorCode[]): object {
  const codes = [...generated, ...(plan.options.problems?.[operation] ?? [])];
  // Whoever says who they are has to be that.
  if (isPublic(plan, operation)) return problems(...codes, 'invalid-token');
  return signedInProblems(...codes, ...(plan.kind === 'admin' ? (['forbidden'] as const) : []));
}

const words = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

function summaryOf({ kind, options, plural }: Plan, operation: Operation): string {
  const one = words(options.name);
  const article = /^[aeiou]/.test(one) ? 'an' : 'a';
  const whose = kind === 'admin' ? ', whosever it is' : '';
  const summaries = {
    list: `List ${words(plural)}${kind === 'admin' ? ', whosever they are' : ''}`,
    create: `Make ${article} ${one}`,
    read: `Read ${article} ${one}${whose}`,
    update: `Change ${article} ${one}${whose}`,
    delete: `Delete ${article} ${one}${whose}`,
    restore: `Restore a deleted ${one}`,
  } as const;
  return summaries[operation];
}

/** Registers one operation, with what its declaration adds to it. */
export function addRoute(app: App, plan: Plan, operation: Operation, { handler, ...schema }: GeneratedRoute): void {
  const { options } = plan;
  const [method, suffix] = ROUTES[operation];
  const { handler: own, config, ...added } = options.routes?.[operation] ?? {};
  const rule = plan.rules[operation];
  const asked = {
    ...(rule?.kind === 'permission' && { permission: rule.permission }),
    ...(rule?.kind === 'role' && { role: rule.role as Role }),
  };
  app.route({
    ...added,
    method,
    url: `${plan.path}${suffix}`,
    schema: {
      operationId: operationId(plan, operation),
      summary: summaryOf(plan, operation),
      tags: [tagOf(plan)],
      ...schema,
    },
    // Fields and what is included may show more to whoever is signed in; the audit trail names them.
    config: { ...config, ...asked, ...(isPublic(plan, operation) && { optionalSession: true }) },
    handler: own ?? handler,
  } as unknown as FastifyRouteOptions as Parameters<App['route']>[0]);
}

/** The heading of its routes in the documentation: `Line items`. */
export function tagOf({ plural }: Pick<Plan, 'plural'>): string {
  const text = words(plural);
  return text.charAt(0).toUpperCase() + text.slice(1);
}
