import { createTransport, type NodemailerError, type SMTPPoolOptions } from 'nodemailer';
import type { Mailbox } from './mailbox.ts';
import type { SmtpServer } from './smtp-url.ts';
import { DELIVERIES_AT_ONCE, DeliveryError, type MailTransport, messageOf } from './transport.ts';

/** To a server nearby; RFC 5321 allows minutes, but those are for servers that pass mail on to each other. */
const TIMEOUTS = {
  dnsTimeout: 10_000,
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 30_000,
} as const;

/** Stages at which a refusal is about this mail. At the others, such as the sign-in, it is about the configuration. */
const ABOUT_THE_MAIL: ReadonlySet<string | undefined> = new Set(['RCPT TO', 'DATA']);

/** Hands mail to an SMTP server, over connections that are kept for a while. */
export function smtpTransport(server: SmtpServer, from: Mailbox): MailTransport {
  const pool = createTransport(optionsOf(server));
  return {
    destination: `${server.host}:${server.port}`,
    send: async (mail, signal) => {
      const message = messageOf(mail, from);
      try {
        await pool.sendMail({ ...message, signal });
      } catch (error) {
        throw deliveryError(error as NodemailerError);
      }
    },
    close: async () => pool.close(),
  };
}

const optionsOf = ({ host, port, tls, credentials }: SmtpServer): SMTPPoolOptions & { pool: true } => ({
  ...TIMEOUTS,
  pool: true,
  maxConnections: DELIVERIES_AT_ONCE,
  // A connection that the server has closed meanwhile is replaced once; the outbox looks after the rest.
  maxRequeues: 1,
  host,
  port,
  secure: tls === 'implicit',
  requireTLS: tls === 'required',
  opportunisticTLS: tls === 'opportunistic',
  tls: { minVersion: 'TLSv1.2', rejectUnauthorized: tls !== 'opportunistic' },
  // Signs in even where the server does not say that it can: mail from a stranger would be refused for good.
  ...(credentials && { auth: { ...credentials }, forceAuth: true }),
  // A mail consists of what it was given as text.
  disableFileAccess: true,
  disableUrlAccess: true,
});

function deliveryError(error: NodemailerError): DeliveryError {
  const { code = 'EUNKNOWN', originalCode, responseCode, command, permanent = false } = error;
  const codes = [code, originalCode, responseCode].filter((part) => part !== undefined);
  return new DeliveryError(codes.join(' '), permanent && ABOUT_THE_MAIL.has(command), { cause: error });
}
