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

/** English, where it is regular: undefined where it is not clear. */
export function singularOf(plural: string): string | undefined {
  if (/(?:^|-)(?:series|species)$/.test(plural)) return undefined;
  if (/[^aeiou]ies$/.test(plural) && plural.length > 4) return plural.replace(/ies$/, 'y');
  if (/(?:ss|sh|ch|x|zz)es$/.test(plural)) return plural.replace(/es$/, '');
  if (/(?:ss|us|is|[^lnr]ses|zes)$/.test(plural) || !/[a-z]s$/.test(plural)) return undefined;
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

/** `an invoice` */
export const withArticle = (text: string): string => `${/^[aeiou]/.test(text) ? 'an' : 'a'} ${text}`;
