import type { Notice } from '../lib/mail/messages.ts';
import type { AuditOrigin } from './audit-event.ts';

/** When, from where and with what somebody acts, for the mail that tells of it. */
export const noticeOf = ({ ip, userAgent }: AuditOrigin): Notice => ({
  at: new Date().toISOString(),
  ...(ip !== undefined && { ip }),
  ...(userAgent !== undefined && { userAgent }),
});
