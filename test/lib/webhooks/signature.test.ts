import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { newWebhookSecret, signedHeaders } from '../../../src/lib/webhooks/signature.ts';

describe('a signature', () => {
  it('is the one of the specification’s own example', () => {
    const at = new Date(1_614_265_330_000);
    const headers = signedHeaders('msg_p5jXN8AQM9LWM0D4loKWxJek', at, '{"test": 2432232314}', [
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    ]);
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  it('is what that project’s library makes, whatever the body', () => {
    const secret = newWebhookSecret();
    const at = new Date(Math.floor(Date.now() / 1000) * 1000);
    for (const body of ['', '{}', '{"name":"李小龍 🐉"}', 'x'.repeat(100_000)])
      expect(signedHeaders('evt_1', at, body, [secret])['webhook-signature']).toBe(
        new Webhook(secret).sign('evt_1', at, body),
      );
  });
});

describe('a secret', () => {
  it('has 32 random bytes', () => {
    const secrets = new Set(Array.from({ length: 50 }, newWebhookSecret));
    expect(secrets.size).toBe(50);
    for (const secret of secrets) expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });
});
