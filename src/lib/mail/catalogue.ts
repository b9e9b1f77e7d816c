import type { Factor, MailData, MailTemplate } from './messages.ts';

/** What a text may be filled with. All values are single lines of plain text: markup is made, and escaped, afterwards. */
export type Filling<T extends MailTemplate> = MailData[T] & { readonly service: string };

/** The parts that a mail has because of what its data hold. */
type Parts<Data> = (Data extends { readonly link: string }
  ? {
      /** What the link does. */
      readonly action: string;
    }
  : unknown) &
  (Data extends { readonly rejectLink: string }
    ? {
        /** What the other link does. */
        readonly reject: string;
      }
    : unknown) &
  (Data extends { readonly code: string }
    ? {
        /** Where the code is entered that stands below. */
        readonly code: string;
      }
    : unknown);

/** The texts of one mail. */
export type MailTexts<T extends MailTemplate> = {
  /** Also the heading. */
  readonly subject: (filling: Filling<T>) => string;
  /** What happened, or what is asked for. */
  readonly says: (filling: Filling<T>) => string;
  /** What to do for whoever did not ask for it. */
  readonly otherwise: (filling: Filling<T>) => string;
} & Parts<MailData[T]>;

/** All that the service says by mail, in one language. A text that is missing does not compile. */
export interface Catalogue {
  /** BCP 47: of the mail, and of its dates and numbers. */
  readonly language: string;
  readonly greeting: (service: string) => string;
  /** Where the whole address of a link follows. */
  readonly address: string;
  readonly validOnce: string;
  readonly validFor: (duration: string) => string;
  /** Headings of when, with what and from where. */
  readonly time: string;
  readonly device: string;
  readonly ip: string;
  /** A browser on an operating system. */
  readonly browserOn: (browser: string, system: string) => string;
  /** A factor within a sentence; `name` is the one that its owner gave it. */
  readonly factors: { readonly [F in Factor]: (name?: string) => string };
  /** The last line. */
  readonly automatic: (service: string) => string;
  readonly mails: { readonly [T in MailTemplate]: MailTexts<T> };
}
