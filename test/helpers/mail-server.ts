import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

interface ReceivedMail {
  readonly parsed: ParsedMail;
  readonly raw: string;
  /** The envelope. */
  readonly from: string;
  readonly to: readonly string[];
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** Who was signed in. */
  readonly user: string | undefined;
}

/** An SMTP reply other than "fine". */
const refusal = (responseCode: number): Error =>
  Object.assign(new Error('no, and a secret detail about the recipient'), { responseCode });

/** A real SMTP server that keeps what it is given. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  readonly #server: SMTPServer;
  /** Decides about each recipient: the reply code to refuse it with, or nothing. */
  onRecipient: (address: string) => number | undefined = () => undefined;
  /** Decides about each message, when it has arrived whole; what takes time keeps the client waiting. */
  onMessage: (raw: string) => number | undefined | Promise<number | undefined> = () => undefined;

  private constructor(options: SMTPServerOptions) {
    this.#server = new SMTPServer({
      authOptional: true,
      // Clients keep their connections for the next mail.
      closeTimeout: 1,
      // Nor a warning that its certificate is one for tests.
      logger: false,
      onAuth: ({ username, password }, _session, done) =>
        password === 'p@ss:word/' ? done(null, { user: username }) : done(refusal(535)),
      onRcptTo: ({ address }, _session, done) => {
        const code = this.onRecipient(address);
        done(code === undefined ? null : refusal(code));
      },
      onData: (stream, session, done) => {
        void text(stream).then(async (raw) => {
          const code = await this.onMessage(raw);
          if (code !== undefined) return done(refusal(code));
          const { mailFrom, rcptTo } = session.envelope;
          this.received.push({
            parsed: await simpleParser(raw),
            raw,
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: session.user ? String(session.user) : undefined,
          });
          done(null);
        });
      },
      ...options,
    });
    // A client that is cut off is no error of a test.
    this.#server.on('error', () => {});
  }

  /** Listens on a port of its own, or on the given one. */
  static async open({
    port = 0,
    ...options
  }: SMTPServerOptions & { readonly port?: number } = {}): Promise<MailServer> {
    const server = new MailServer(options);
    server.#server.listen(port, '127.0.0.1');
    await once(server.#server.server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  /** For SMTP_URL. */
  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  get messageIds(): (string | undefined)[] {
    return this.received.map(({ parsed }) => parsed.messageId);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/** A port that nobody listens on. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
