import { User } from '../models/user.ts';
import { USER_LISTS } from '../models/user-list.ts';
import type { Person, Scene } from './scene.ts';

/** A value for each kind of filter, one that many accounts have: a query over few would hide a bad plan. */
const FILTER_VALUES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  status: { status: 'active' },
  emailVerified: { emailVerified: 'true' },
  role: { role: 'user' },
  created: { createdAfter: '2000-01-01T00:00:00Z', createdBefore: '2100-01-01T00:00:00Z' },
};

const LIMIT = '10';

/** So many accounts before a page show whether they are walked through. */
const STRIDE = '100';
const STRIDES = 5;

/** Every pair of filter and sort that is offered, and the search: the first page, a deep one and the count. */
export async function exerciseUserList(scene: Scene): Promise<void> {
  const as = await scene.admin();
  for (const { filters, sort } of USER_LISTS) {
    const filter = Object.assign({}, ...filters.split(',').map((name) => FILTER_VALUES[name]));
    const field = sort.replace('_id', 'id');
    for (const order of [field, `-${field}`]) await firstAndDeep(scene, as, { ...filter, sort: order });
    await page(scene, as, { ...filter, sort: field, total: 'true' });
  }
  await firstAndDeep(scene, as, { status: 'deleted' });
  for (const q of await searchTexts()) {
    await firstAndDeep(scene, as, { q });
    await firstAndDeep(scene, as, { q, status: 'active' });
  }
}

type Query = Readonly<Record<string, string>>;

const page = (scene: Scene, as: Person, query: Query) =>
  scene.send({ method: 'GET', url: '/v1/admin/users', as, query: { limit: LIMIT, ...query } });

async function firstAndDeep(scene: Scene, as: Person, query: Query): Promise<void> {
  const first = await page(scene, as, query);
  let deepest: string | undefined;
  let next: string | null = first.json().nextCursor;
  for (let stride = 0; next !== null && stride <= STRIDES; stride++) {
    deepest = next;
    const step = { ...query, limit: STRIDE, cursor: next };
    next = (await scene.prepare({ method: 'GET', url: '/v1/admin/users', as, query: step })).json().nextCursor;
  }
  if (deepest !== undefined) await page(scene, as, { ...query, cursor: deepest });
}

/** What leads a search into each of the indexes that it walks: a whole email, a last name, a first name. */
async function searchTexts(): Promise<string[]> {
  const account = await User.findOne({ firstNameKey: { $exists: true }, lastNameKey: { $exists: true } }).lean();
  return [account?.email, account?.lastNameKey, account?.firstNameKey].filter((text) => text != null);
}
