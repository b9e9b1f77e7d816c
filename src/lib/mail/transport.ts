import type { SendMailOptions } from 'nodemailer';
import { normaliseEmail } from '../email.ts';
import type { Mailbox } from './mailbox.ts';
import type { RenderedMail } from './render.ts';

/** Mail handed over at the same time, and connections to the server that takes it. */
export const DELIVERIES_AT_ONCE = 4;

/** A mail that is ready to leave. */
export interface OutgoingMail extends RenderedMail {
  /** Of its record in the outbox: the same each time that it is tried. */
  readonly id: string;
  readonly template: string;
  readonly to: string;
  /** When what it tells of happened. */
  readonly date: Date;
}

/** Takes mail away. */
export interface MailTransport {
  /** Where to, for people; tells of no credentials. */
  readonly destination: string;
  /** @throws {DeliveryError} when the mail was not taken, or nobody knows whether it was; TypeError when it is none */
  send(mail: OutgoingMail, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** A try that failed. Neither its message nor its code quotes the mail or the server's words, which may name people. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  readonly code: string;
  /** Another try would end in the same way. */
  readonly permanent: boolean;

  constructor(code: string, permanent: boolean, options?: ErrorOptions) {
    super(permanent ? 'The mail cannot be delivered' : 'The mail was not delivered', options);
    this.code = code;
    this.permanent = permanent;
  }
}

/**
 * The message as the library takes it.
 * @throws TypeError when the addressee is not one mailbox in its stored spelling: the library would read a list
 */
export function messageOf(mail: OutgoingMail, from: Mailbox): SendMailOptions {
  if (normaliseEmail(mail.to) !== mail.to) throw new TypeError('The addressee is not one mailbox');
  return {
    from: { ...from },
    to: { name: '', address: mail.to },
    envelope: { from: from.address, to: [mail.to] },
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    encoding: 'quoted-printable',
    messageId: `<${mail.id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    date: mail.date,
    headers: {
      // RFC 3834: no out-of-office note answers it.
      'Auto-Submitted': 'auto-generated',
      'Content-Language': mail.language,
    },
  };
}
