import { afterAll, beforeAll, it } from 'vitest';
import { generateKeyringSpec } from '../../src/lib/keyring.ts';
import { killServices } from '../helpers/killed-service.ts';
import { useServiceProcesses } from '../helpers/service-process.ts';
import { WebhookReceiver } from '../helpers/webhook-receiver.ts';

const { run, freshDatabase } = useServiceProcesses();

let receiver: WebhookReceiver;
beforeAll(async () => {
  receiver = await WebhookReceiver.open();
});
afterAll(() => receiver.close());

it('a service that is killed while it seals, delivers and erases loses nothing, and leaves nothing half done', async () => {
  await killServices({ uri: freshDatabase(), keyring: generateKeyringSpec(), receiver, start: run }, 20);
}, 600_000);
