/** The names of one collection, each as the place where it stands spells it. */
export interface Names {
  /** `line-items`: the URL. */
  readonly url: string;
  /** `line_items`: the collection. */
  readonly collection: string;
  /** `lineItems`: the resource. */
  readonly plural: string;
  /** `lineItem`: one of them. */
  readonly singular: string;
  /** `LineItem`: the model and its view. */
  readonly model: string;
  /** `line-item`: its files. */
  readonly file: string;
  /** `LINE_ITEM`: its constants. */
  readonly constant: string;
  /** `line item` and `line items`, in sentences. */
  readonly one: string;
  readonly many: string;
}

/** `dueAt` → `due at` */
export const words = (camel: string): string =>
  camel.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).trimStart();

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** `dueAt` → `due_at` */
export const snake = (camel: string): string => words(camel).replaceAll(' ', '_');

/** `due-at` → `dueAt` */
export const camel = (kebab: string): string => kebab.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** What ends as a regular plural does, and has the e in its singular. */
const WITH_E = new Set(
  `aches aunties avalanches birdies brownies budgies caches calories collies cookies creches foodies genies goalies
  headaches hoodies junkies lies magpies moustaches movies neckties newbies niches pies pixies prairies quiches rookies
  selfies smoothies sorties ties toothaches veggies zombies`.split(/\s+/),
);

/** One that is no plural, is its own, or is that of two words: axe and axis. */
const UNCLEAR =
  /^(?:series|species|news|axes|lens|lenses|gas|bias|atlas|canvas|alias|(?:append|cod|ind|matr|vert|vort)ices)$/;

/** English, where it is regular: undefined where it is not clear, as of shelves and archives, or of heroes and shoes. */
export function singularOf(plural: string): string | undefined {
  const word = plural.replace(/^.*-/, '');
  if (UNCLEAR.test(word)) return undefined;
  if (WITH_E.has(word)) return plural.replace(/s$/, '');
  if (/[^aeiou]ies$/.test(word)) return plural.replace(/ies$/, 'y');
  if (/(?:ss|sh|ch|x)es$/.test(word)) return plural.replace(/es$/, '');
  if (/(?:ss|us|is|[^lnr]ses|zes|ves|oes)$/.test(word) || !/[a-z]s$/.test(word)) return undefined;
  return plural.replace(/s$/, '');
}

/** @param plural and `singular` in kebab case */
export function namesOf(plural: string, singular: string): Names {
  return {
    url: plural,
    collection: plural.replaceAll('-', '_'),
    plural: camel(plural),
    singular: camel(singular),
    model: capital(camel(singular)),
    file: singular,
    constant: singular.replaceAll('-', '_').toUpperCase(),
    one: singular.replaceAll('-', ' '),
    many: plural.replaceAll('-', ' '),
  };
}

/** Begins with a vowel that is spoken as a consonant: unit and user, but neither unindexed nor usher. */
const SPOKEN_Y_OR_W = /^(?:eu|on(?:e|ce)\b|u(?:id|ni(?!n|m|d)|r[ail]|s[aeu]|t[ei]|uid))/;
const SPOKEN_VOWEL = /^(?:[aeiou]|heir|honest|hono|hour)/;

/** `an invoice`, `a user`, `an hour` */
export const withArticle = (text: string): string =>
  `${SPOKEN_VOWEL.test(text) && !SPOKEN_Y_OR_W.test(text) ? 'an' : 'a'} ${text}`;
