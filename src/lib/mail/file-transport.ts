import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Mailbox } from './mailbox.ts';
import { DeliveryError, type MailTransport, messageOf, type OutgoingMail } from './transport.ts';

/**
 * Writes mail into a directory, as messages that any mail program opens: for development.
 * @param written hears of each file; the name of a file tells neither whom nor what it is about
 */
export function fileTransport(directory: string, from: Mailbox, written: (file: string) => void): MailTransport {
  const composer = createTransport({ streamTransport: true, buffer: true, disableFileAccess: true });
  return {
    destination: directory,
    send: async (mail) => {
      const { message } = await composer.sendMail(messageOf(mail, from));
      if (!Buffer.isBuffer(message)) throw new TypeError('the composer buffers what it makes');
      written(await write(directory, fileName(mail), message));
    },
    close: async () => {},
  };
}

/** Sorted by name, the files are in the order of what they tell of. The same mail has the same name each time. */
const fileName = ({ date, template, id }: OutgoingMail): string =>
  `${date.toISOString().replace(/[-:]|\.\d+/g, '')}-${template}-${id}.eml`;

/** Under another name first, so that nobody finds half a message. Links in it are as good as passwords. */
async function write(directory: string, name: string, message: Buffer): Promise<string> {
  const file = join(directory, name);
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await writeFile(`${file}.part`, message, { mode: 0o600 });
    await rename(`${file}.part`, file);
  } catch (error) {
    throw new DeliveryError((error as NodeJS.ErrnoException).code ?? 'EFILE', false, { cause: error });
  }
  return file;
}
