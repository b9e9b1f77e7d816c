/** A try that failed. Its code is what the delivery log shows; neither quotes the payload nor the whole address. */
export class WebhookError extends Error {
  override readonly name = 'WebhookError';
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super('The webhook was not delivered', options);
    this.code = code;
  }
}
