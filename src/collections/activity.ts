import { Activity } from '../models/activity.ts';
import * as wire from '../schemas/activity.ts';
import { defineCollection } from './define.ts';

export const activityDaily = defineCollection({
  model: Activity,
  purpose:
    'What accounts did, one document a day. A job counts it from the audit trail, apart from what it counts: signing up and signing in cost nothing for it.',
  public: {},
  admin: {
    signUps: 'Accounts that came to be: signed up, or made by an admin. Imported ones are not counted.',
    signIns: 'Sessions that were opened.',
    deletions: 'Accounts that were deleted, by whomever.',
    activeDay: 'Different accounts that signed in or refreshed a session.',
    activeWeek: 'The same in the 7 days that end with this one.',
    activeMonth: 'The same in the 30 days that end with this one.',
  },
  private: {
    _id: 'The day in UTC, on the wire as `day`.',
    countedUntil: 'Whatever happened before this is in.',
    accounts:
      'Hashes of the ids of who was active, up to 2,048, or a HyperLogLog of more: 16 KiB at the most. Dropped after two months.',
    expiresAt: '25 months after the day.',
  },
  computed: { day: '`_id`.', complete: 'Whether the day was over when it was counted.' },
  indexes: { idx_activity_daily_expires_at: 'TTL.' },
  relations: [],
  enums: {},
  retention: 'TTL on `expiresAt`: 25 months.',
  notJournaled: 'Counted from the audit trail, anew where a count is missing.',
  wire: [wire.ActivityDay],
});
