import { normaliseEmail } from '../email.ts';
import { singleLine } from '../names.ts';

/** An address with the name that is shown for it. */
export interface Mailbox {
  readonly name: string;
  readonly address: string;
}

/** `Name <address>`, the name perhaps in quotation marks, or an address alone. */
const NAMED = /^(?:"(?<quoted>[^"]*)"|(?<bare>[^"<>]*))\s*<(?<address>[^<>]*)>$/;

/**
 * Reads `Name <address>` or an address alone, whose name is then `name`.
 * @throws TypeError for anything else
 */
export function parseMailbox(text: string, name: string): Mailbox {
  const { quoted, bare, address = text } = NAMED.exec(text.trim())?.groups ?? {};
  const normalised = normaliseEmail(address);
  if (normalised === undefined) throw new TypeError('not of the form Name <name@example.com>');
  return { name: singleLine(quoted || bare || name), address: normalised };
}

/** Whom mail is from. Where none is configured, it goes nowhere but into files. */
export const senderOf = (config: { readonly MAIL_FROM?: string; readonly SERVICE_NAME: string }): Mailbox =>
  config.MAIL_FROM === undefined
    ? { name: singleLine(config.SERVICE_NAME), address: 'no-reply@localhost' }
    : parseMailbox(config.MAIL_FROM, config.SERVICE_NAME);
