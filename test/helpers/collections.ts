import type { Rule } from '../../src/lib/access-rules.ts';
import { OPERATIONS, type Operation, type Plan, type Resource } from '../../src/routes/resource/declaration.ts';
import { linkPlans } from '../../src/routes/resource/links.ts';
import { ROUTES } from '../../src/routes/resource/route.ts';
import type { Access } from '../../src/types/fastify.ts';

type Level = Access | 'public, told who calls' | `admin [${string}]`;

/** At which door a rule stands: what it says about documents, queries see to. */
function levelOf(rule: Rule): Level {
  if (rule.kind === 'permission') return `admin [${rule.permission}]`;
  if (rule.kind === 'role') return `admin [role ${rule.role}]`;
  return rule.kind === 'everyone' ? 'public, told who calls' : 'signed-in';
}

/** Who may knock at the generated routes of domain collections, by their declarations. */
export function policyOfCollections(resources: readonly Resource[]): Record<string, Level> {
  const rows = resources.flatMap(({ plans }) =>
    plans.flatMap((plan) => {
      const prefix = plan.kind === 'admin' ? '/v1/admin' : '/v1';
      const operations = (Object.entries(plan.rules) as [Operation, Rule][]).map(
        ([operation, rule]): [string, Level] => {
          const [method, suffix] = ROUTES[operation];
          return [`${method} ${prefix}${plan.path}${suffix}`, levelOf(rule)];
        },
      );
      const links = linkPlans(plan).flatMap(({ url, relation }): [string, Level][] => [
        [`GET ${prefix}${url}`, levelOf(plan.rules.read ?? { kind: 'signed-in', where: {} })],
        ...(['PUT', 'DELETE'] as const).map((method): [string, Level] => [
          `${method} ${prefix}${url}/:${relation.to}`,
          'signed-in',
        ]),
      ]);
      return [...operations, ...links];
    }),
  );
  return Object.fromEntries(rows);
}

/** A URL as the OpenAPI document writes it. */
const documented = (url: string): string => url.replaceAll(/:(\w+)/g, '{$1}');

interface GeneratedRoute {
  readonly name: string;
  readonly operation: Operation | 'links' | 'link' | 'link-without-fields' | 'unlink';
}

const linkingRoutes = (plan: Plan, prefix: string): GeneratedRoute[] =>
  linkPlans(plan).flatMap(({ url, relation }): GeneratedRoute[] => {
    const one = documented(`${prefix}${url}/:${relation.to}`);
    const link = Object.keys(relation.fields).length > 0 ? 'link' : 'link-without-fields';
    return [
      { name: `PUT ${one}`, operation: link },
      { name: `DELETE ${one}`, operation: 'unlink' },
    ];
  });

/** Generated routes in the order of their registration: those of people, then those of administration. */
function routesOf(resources: readonly Resource[]): GeneratedRoute[] {
  return (['own', 'admin'] as const).flatMap((kind) =>
    resources.flatMap(({ plans }) =>
      plans
        .filter((plan) => plan.kind === kind)
        .flatMap((plan) => {
          const prefix = kind === 'admin' ? '/v1/admin' : '/v1';
          return OPERATIONS.filter((operation) => plan.rules[operation]).flatMap((operation): GeneratedRoute[] => {
            const [method, suffix] = ROUTES[operation];
            const own = { name: documented(`${method} ${prefix}${plan.path}${suffix}`), operation };
            if (operation === 'update') return [own, ...linkingRoutes(plan, prefix)];
            if (operation !== 'read') return [own];
            const lists = linkPlans(plan).map(({ url }) => ({
              name: documented(`GET ${prefix}${url}`),
              operation: 'links' as const,
            }));
            return [own, ...lists];
          });
        }),
    ),
  );
}

/** The lists among them, as operations of the OpenAPI document. */
export const listsOfCollections = (resources: readonly Resource[]): string[] =>
  routesOf(resources).flatMap(({ name, operation }) => (operation === 'list' || operation === 'links' ? [name] : []));

/** By what each of them is sorted; of what is linked there is one order alone. */
export const sortsOfCollections = (resources: readonly Resource[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    resources.flatMap(({ plans }) =>
      plans
        .filter(({ rules }) => rules.list)
        .map(({ kind, path, lists }): [string, string[]] => [
          documented(`GET ${kind === 'admin' ? '/v1/admin' : '/v1'}${path}`),
          lists.sorts.map((sort) => (sort === '_id' ? 'id' : sort)),
        ]),
    ),
  );

/** Those that have nothing to say but that they are made. */
export const withoutInput = (resources: readonly Resource[]): string[] =>
  routesOf(resources).flatMap(({ name, operation }) =>
    operation === 'restore' || operation === 'link-without-fields' ? [name] : [],
  );

/** Those by which people reach a document by its id. */
export const byIdOfCollections = (resources: readonly Resource[]): string[] =>
  routesOf(resources).flatMap(({ name }) => (name.includes('{') && !name.includes('/admin/') ? [name] : []));
