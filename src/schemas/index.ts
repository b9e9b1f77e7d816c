import * as activity from './activity.ts';
import * as apiKey from './api-key.ts';
import * as audit from './audit.ts';
import * as backup from './backup.ts';
import * as common from './common.ts';
import * as factor from './factor.ts';
import * as identity from './identity.ts';
import * as job from './job.ts';
import * as jwks from './jwks.ts';
import * as mailed from './mailed.ts';
import * as passkey from './passkey.ts';
import * as person from './person.ts';
import * as problem from './problem.ts';
import * as retention from './retention.ts';
import * as session from './session.ts';
import * as user from './user.ts';
import * as webhook from './webhook.ts';
import { EVENT_SCHEMAS } from './webhook-event.ts';

const rooms = [
  activity,
  apiKey,
  audit,
  backup,
  common,
  factor,
  identity,
  job,
  jwks,
  mailed,
  passkey,
  person,
  problem,
  retention,
  session,
  user,
  webhook,
];

/** Whatever has a name: the schemas that others refer to, and the components of the OpenAPI document. */
export const namedSchemas = [
  ...rooms.flatMap((room) =>
    Object.values(room).flatMap((schema) => (typeof schema === 'object' && '$id' in schema ? [schema] : [])),
  ),
  ...EVENT_SCHEMAS.map(({ schema }) => schema),
];
