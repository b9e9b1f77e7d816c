/** What became of one field of a foreign account: where it went, or why it was left out. */
export interface Note {
  readonly from: string;
  readonly to?: string;
  readonly reason?: string;
}

/** What became of a field of a foreign format, in so many accounts. */
export interface MappingRow {
  readonly from: string;
  /** Null for what is left out. */
  readonly to: string | null;
  accounts: number;
  readonly reason: string | null;
}

/** Foreign files may name any number of fields, of any length; so many are told apart, by so much of their names. */
const MAX_ROWS = 500;
const MAX_NAME_LENGTH = 100;
const OTHERS: Note = { from: 'other fields', reason: 'there are more fields than this report has lines' };

/** Counts what became of each field, so that nothing that is left out is lost silently. */
export class Mapping {
  readonly #counts = new Map<string, MappingRow>();

  add(notes: readonly Note[]): void {
    for (const note of notes) this.#count(note);
  }

  /** What was taken first, then what was left out, each in the order in which it was met. */
  rows(): Readonly<MappingRow>[] {
    const rows = [...this.#counts.values()];
    return [...rows.filter(({ to }) => to !== null), ...rows.filter(({ to }) => to === null)];
  }

  #count(note: Note): void {
    const [from, to, reason] = [note.from, note.to, note.reason].map((text) => text?.slice(0, MAX_NAME_LENGTH));
    const key = JSON.stringify([from, to, reason]);
    const counted = this.#counts.get(key);
    if (counted) counted.accounts++;
    else if (this.#counts.size < MAX_ROWS || note === OTHERS)
      this.#counts.set(key, { from: from ?? '', to: to ?? null, accounts: 1, reason: reason ?? null });
    else this.#count(OTHERS);
  }
}
