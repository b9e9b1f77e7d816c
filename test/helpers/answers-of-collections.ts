import type { LightMyRequestResponse as Response } from 'fastify';
import { resources } from '../../src/collections/index.ts';
import { resourceExercises } from '../../src/explain/exercise-resources.ts';
import { TEAM_EXERCISES } from '../../src/explain/exercise-teams.ts';
import type { Scene, SceneRequest } from '../../src/explain/scene.ts';
import type { Mail } from '../../src/lib/mail/messages.ts';
import { mailOf, Outbox, type OutboxRecord } from '../../src/models/outbox.ts';
import type { World } from './answers.ts';
import { makerOf } from './maker.ts';
import { person } from './people.ts';

/** Every route of domain collections, as its exercise drives it. */
export async function ofCollections({ service, see }: World): Promise<void> {
  const admin = await person(service, { roles: ['admin'] });
  const maker = makerOf(service, admin);
  const lastToken = async (template: Mail['template']): Promise<string> => {
    const record = await Outbox.findOne({ template }).sort({ _id: -1 }).lean<OutboxRecord>();
    const { link = '' } = record ? (mailOf(service.deps.keyring, record).data as { link?: string }) : {};
    return link.split('#token=')[1] ?? '';
  };
  const exercises = { ...resourceExercises(resources), ...TEAM_EXERCISES };
  for (const [route, exercise] of Object.entries(exercises)) {
    const operation = route.replaceAll(/:(\w+)/g, '{$1}');
    const send = async (request: SceneRequest): Promise<Response> => {
      const [response] = await see(operation, maker.prepare(request));
      if (!response) throw new Error('one request has one answer');
      return response;
    };
    await exercise({ ...maker, send, lastToken } as unknown as Scene);
  }
}
