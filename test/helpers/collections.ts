import type { Rule } from '../../src/lib/access-rules.ts';
import type { Operation, Resource } from '../../src/routes/resource/declaration.ts';
import { linkPlans } from '../../src/routes/resource/links.ts';
import { ROUTES } from '../../src/routes/resource/route.ts';
import type { Access } from '../../src/types/fastify.ts';

type Level = Access | `admin [${string}]`;

/** At which door a rule stands: what it says about documents, queries see to. */
function levelOf(rule: Rule): Level {
  if (rule.kind === 'permission') return `admin [${rule.permission}]`;
  if (rule.kind === 'role') return `admin [role ${rule.role}]`;
  return rule.kind === 'everyone' ? 'public' : 'signed-in';
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
