import { deviceName } from '../lib/device-name.ts';
import { DecryptionError, type Keyring } from '../lib/keyring.ts';
import type { AuditEventRecord } from '../models/audit-event.ts';
import { type PersonalValues, reveal } from '../models/audit-personal.ts';
import type { ACTIVITY_BY } from '../schemas/audit.ts';

interface Opened {
  readonly values: PersonalValues;
  readonly personalValues?: 'erased' | 'altered';
}

/** One event that somebody has tampered with must not make all others unreadable. */
function open(keyring: Keyring, event: AuditEventRecord): Opened {
  try {
    const { values, genuine } = reveal(keyring, event);
    if (!genuine) return { values: {}, personalValues: 'altered' };
    return event.commitment != null && event.personal == null ? { values, personalValues: 'erased' } : { values };
  } catch (error) {
    if (error instanceof DecryptionError || error instanceof SyntaxError)
      return { values: {}, personalValues: 'altered' };
    throw error;
  }
}

const fromWhere = ({ ip, userAgent }: PersonalValues) => {
  const device = deviceName(userAgent ?? '');
  return {
    ...(ip !== undefined && { ip }),
    ...(userAgent !== undefined && { userAgent }),
    ...(device !== undefined && { device }),
  };
};

const what = ({ _id, action, outcome, reason, changes, count, at }: AuditEventRecord) => ({
  id: _id.toHexString(),
  action,
  outcome,
  ...(reason != null && { reason }),
  ...(changes != null && { changes }),
  ...(count != null && { count }),
  at: at.toISOString(),
});

/** An event as whoever may read the trail sees it. */
export function auditEventView(keyring: Keyring, event: AuditEventRecord) {
  const { actor, target, requestId, sealId } = event;
  const { values, personalValues } = open(keyring, event);
  return {
    ...what(event),
    actor: { type: actor.type, ...(actor.id && { id: actor.id.toHexString() }) },
    target: {
      collection: target.collection,
      ...(target.id && { id: target.id.toHexString() }),
      ...(target.name != null && { name: target.name }),
    },
    ...(requestId != null && { requestId }),
    ...fromWhere(values),
    ...(values.note !== undefined && { note: values.note }),
    ...(personalValues && { personalValues }),
    ...(sealId != null && { sealId }),
  };
}

/** The same as the owner of the account sees it: of others, neither who nor where from. */
export function activityView(keyring: Keyring, event: AuditEventRecord, owner: AuditEventRecord['_id']) {
  const by = byWhom(event, owner);
  const known = by === 'self' || by === 'anybody';
  return { ...what(event), by, ...(known && fromWhere(open(keyring, event).values)) };
}

function byWhom(
  { actor: { type, id } }: AuditEventRecord,
  owner: AuditEventRecord['_id'],
): (typeof ACTIVITY_BY)[number] {
  if (type === 'operator') return 'operator';
  if (type === 'system') return 'service';
  if (!id) return 'anybody';
  return id.equals(owner) ? 'self' : 'staff';
}
