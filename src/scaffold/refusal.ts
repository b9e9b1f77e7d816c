/** Why a collection cannot be written as it was asked for. Nothing was changed. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** Whether what was typed is wrong, as opposed to what stands already. */
  readonly typed: boolean;

  constructor(message: string, { typed = true }: { readonly typed?: boolean } = {}) {
    super(message);
    this.typed = typed;
  }
}
