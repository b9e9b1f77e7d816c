import { Type } from 'typebox';
import { PERMISSIONS } from '../lib/permissions.ts';
import { API_KEY_LIMITS } from '../models/api-key.ts';
import { closed, Id, named, Page, pageQuery, ref, Timestamp } from './common.ts';

const Name = Type.String({
  minLength: 1,
  maxLength: API_KEY_LIMITS.name,
  description: 'What it is for. Markup and control characters are removed.',
});
const Permissions = Type.Array(Type.Enum([...PERMISSIONS]), { minItems: 1, uniqueItems: true });

export const ApiKey = named(
  'ApiKey',
  {
    id: Id,
    name: Type.String(),
    prefix: Type.String({ description: 'The key begins with `rk_` and this.', examples: ['5d0a3c7e9b12f486'] }),
    permissions: Type.Array(Type.Enum([...PERMISSIONS]), {
      description: 'What it was given. Of these it has those that its maker has at the time.',
    }),
    createdBy: Type.String({ pattern: '^[0-9a-f]{24}$', description: 'Id of the account that made it.' }),
    createdAt: Timestamp,
    expiresAt: Type.Optional(Timestamp),
    lastUsedAt: Type.Optional(Type.String({ format: 'date-time', description: 'To the minute.' })),
  },
  { description: 'What a service calls with. The key itself was shown when it was made, and is stored nowhere.' },
);

export const NewApiKey = named(
  'NewApiKey',
  {
    name: Name,
    permissions: Permissions,
    expiresAt: Type.Optional(
      Type.String({ format: 'date-time', description: 'When it ends; without it, when somebody deletes it.' }),
    ),
  },
  {
    examples: [{ name: 'Nightly report', permissions: ['users:read'], expiresAt: '2099-01-01T00:00:00.000Z' }],
  },
);

export const ApiKeyCreated = named(
  'ApiKeyCreated',
  {
    apiKey: ref(ApiKey),
    key: Type.String({ description: 'For `Authorization: Bearer`. Shown only here.' }),
  },
  { description: 'The new key, and what to call with.' },
);

export const ApiKeyPatch = named('ApiKeyPatch', { name: Name }, { examples: [{ name: 'Weekly report' }] });

export const ApiKeyListQuery = closed({
  ...pageQuery,
  createdBy: Type.Optional(
    Type.String({ pattern: '^[0-9a-f]{24}$', description: 'Only those that this account made.' }),
  ),
});

export const ApiKeyPage = named('ApiKeyPage', Page(ref(ApiKey), 'API keys').properties);
