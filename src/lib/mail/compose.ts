/**
 * What a mail says, in pieces of plain text: which pieces it has follows from its data, their words come from a
 * catalogue. Markup is made of them afterwards (render.ts), so no text brings markup of its own.
 */
import { singleLine } from '../names.ts';
import type { Catalogue, Filling, MailTexts } from './catalogue.ts';
import { deviceName } from './device.ts';
import type { MailData, MailTemplate, Notice } from './messages.ts';

/** Longer than anything that is worth reading in a sentence, in characters. */
const MAX_VALUE_LENGTH = 256;

export type Piece =
  | { readonly kind: 'paragraph'; readonly text: string }
  /** `spelledOut` introduces the whole address, for whoever cannot or will not follow a link. */
  | { readonly kind: 'link'; readonly label: string; readonly url: string; readonly spelledOut: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'facts'; readonly facts: readonly (readonly [heading: string, value: string])[] };

export interface Composition {
  readonly language: string;
  readonly subject: string;
  readonly pieces: readonly Piece[];
}

/** What a mail has besides sentences, and the words for it; each template has some of these. */
interface Extras extends Partial<Notice> {
  readonly link?: string;
  readonly validForSeconds?: number;
  readonly rejectLink?: string;
  readonly code?: string;
}
interface ExtraTexts {
  readonly action?: string;
  readonly reject?: string;
  readonly code?: string;
}

/** @throws TypeError when a link is no absolute address of the web */
export function compose<T extends MailTemplate>(
  { template, data }: { readonly template: T; readonly data: MailData[T] },
  catalogue: Catalogue,
  service: string,
): Composition {
  const texts: MailTexts<T> = catalogue.mails[template];
  const words = texts as MailTexts<T> & ExtraTexts;
  const filling: Filling<T> = { ...cleaned(data), service: clean(service) };
  const extras: Extras = data;
  return {
    language: catalogue.language,
    subject: texts.subject(filling),
    pieces: [
      paragraph(catalogue.greeting(filling.service)),
      paragraph(texts.says(filling)),
      ...link(catalogue, words.action, extras.link),
      ...validity(catalogue, extras),
      ...code(words.code, extras.code),
      ...facts(catalogue, extras),
      paragraph(texts.otherwise(filling)),
      ...link(catalogue, words.reject, extras.rejectLink),
      paragraph(catalogue.automatic(filling.service)),
    ],
  };
}

const paragraph = (text: string): Piece => ({ kind: 'paragraph', text });

const clean = (value: string): string => [...singleLine(value)].slice(0, MAX_VALUE_LENGTH).join('');

/** What came from people is shown as one line that cannot rearrange the sentence around it. */
const cleaned = <D extends object>(data: D): D =>
  Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, typeof value === 'string' ? clean(value) : value]),
  ) as D;

function link({ address }: Catalogue, label: string | undefined, target: string | undefined): Piece[] {
  if (label === undefined || target === undefined) return [];
  const url = new URL(target);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError('A mail links to the web only');
  return [{ kind: 'link', label, url: url.href, spelledOut: address }];
}

const code = (lead: string | undefined, text: string | undefined): Piece[] =>
  lead === undefined || text === undefined ? [] : [paragraph(lead), { kind: 'code', text: clean(text) }];

function validity(catalogue: Catalogue, { link: target, validForSeconds }: Extras): Piece[] {
  if (target === undefined) return [];
  const { validOnce, validFor, language } = catalogue;
  return [paragraph(validForSeconds === undefined ? validOnce : validFor(duration(validForSeconds, language)))];
}

/** In the largest unit that divides it, but one day is 24 hours: `90 minutes`, `1 hour`, `24 hours`, `3 days`. */
function duration(seconds: number, language: string): string {
  const minutes = Math.floor(seconds / 60);
  const [amount, unit] =
    minutes % 1440 === 0 && minutes > 1440
      ? [minutes / 1440, 'day']
      : minutes % 60 === 0
        ? [minutes / 60, 'hour']
        : [minutes, 'minute'];
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
}

function facts(catalogue: Catalogue, { at, ip, userAgent }: Extras): Piece[] {
  if (at === undefined) return [];
  const device = userAgent === undefined ? undefined : deviceName(userAgent, catalogue);
  const time = new Intl.DateTimeFormat(catalogue.language, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return [
    {
      kind: 'facts',
      facts: [
        [catalogue.time, `${time.format(new Date(at))} UTC`],
        ...(device === undefined ? [] : [[catalogue.device, device] as const]),
        ...(ip === undefined ? [] : [[catalogue.ip, clean(ip)] as const]),
      ],
    },
  ];
}
