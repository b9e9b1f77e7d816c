/** Who read how much about how many people, and what of it is out of the ordinary, by rules that anybody can check. */

const HOUR_MS = 3_600_000;

/** From 22:00 on and before 06:00, UTC. */
const NIGHT = { from: 22, to: 6 };

export const RULES = {
  'many-people':
    'more than 20 people on one day, and more than five times the median of the other days of the same actor',
  'first-bulk': 'more than 100 people on one day, and never before as many',
  'at-night': 'ten reads or more between 22:00 and 06:00 UTC, and at most a tenth of the other days’ reads then',
  'many-denials': 'more than ten denials on one day',
} as const;
type Rule = keyof typeof RULES;

/** A read or a denial, as the trail has it. */
export interface Access {
  readonly actor: string;
  readonly at: Date;
  readonly denied: boolean;
  /** Whose data, where it was one person's. */
  readonly person?: string | undefined;
  /** How many documents a list showed, or how often it was denied. */
  readonly count?: number | undefined;
}

interface Unusual {
  readonly rule: Rule;
  readonly day: string;
  /** What was counted on that day, and what is usual for the actor where the rule compares. */
  readonly counted: number;
  readonly usual?: number;
}

export interface ActorPattern {
  readonly actor: string;
  readonly reads: number;
  /** Different people whose data was read one by one. */
  readonly people: number;
  /** Documents that lists showed, and exports wrote. */
  readonly listed: number;
  readonly denials: number;
  readonly busiestHour?: { readonly from: string; readonly reads: number };
  readonly unusual: readonly Unusual[];
}

class Day {
  readonly people = new Set<string>();
  reads = 0;
  atNight = 0;
  listed = 0;
  denials = 0;

  add({ at, denied, person, count }: Access): void {
    if (denied) {
      this.denials += count ?? 1;
      return;
    }
    this.reads += 1;
    if (person !== undefined) this.people.add(person);
    else this.listed += count ?? 0;
    const hour = at.getUTCHours();
    if (hour >= NIGHT.from || hour < NIGHT.to) this.atNight += 1;
  }

  get seen(): number {
    return this.people.size + this.listed;
  }
}

/** What is known of one actor: by day, and by hour within the period that is reported. */
class Actor {
  readonly days = new Map<string, Day>();
  readonly hours = new Map<number, number>();

  add(access: Access, from: Date): void {
    const day = access.at.toISOString().slice(0, 10);
    const known = this.days.get(day) ?? new Day();
    this.days.set(day, known);
    known.add(access);
    if (access.denied || access.at < from) return;
    const hour = Math.floor(access.at.getTime() / HOUR_MS);
    this.hours.set(hour, (this.hours.get(hour) ?? 0) + 1);
  }
}

/**
 * The patterns of each actor from a day on, whoever saw most first. What lies before tells what is usual.
 * @param from the beginning of the first day that is reported
 */
export async function accessPatterns(accesses: AsyncIterable<Access>, from: Date): Promise<ActorPattern[]> {
  const actors = new Map<string, Actor>();
  for await (const access of accesses) {
    const known = actors.get(access.actor) ?? new Actor();
    actors.set(access.actor, known);
    known.add(access, from);
  }
  const firstDay = from.toISOString().slice(0, 10);
  return [...actors]
    .map(([actor, { days, hours }]) => patternOf(actor, days, hours, firstDay))
    .filter(({ reads, denials }) => reads + denials > 0)
    .sort((a, b) => b.people + b.listed - (a.people + a.listed));
}

function patternOf(
  actor: string,
  days: ReadonlyMap<string, Day>,
  hours: ReadonlyMap<number, number>,
  firstDay: string,
): ActorPattern {
  const reported = [...days].filter(([day]) => day >= firstDay);
  const sum = (of: (day: Day) => number): number => reported.reduce((total, [, day]) => total + of(day), 0);
  const [busiest] = [...hours].sort(([, a], [, b]) => b - a);
  return {
    actor,
    reads: sum(({ reads }) => reads),
    people: new Set(reported.flatMap(([, { people }]) => [...people])).size,
    listed: sum(({ listed }) => listed),
    denials: sum(({ denials }) => denials),
    ...(busiest && { busiestHour: { from: new Date(busiest[0] * HOUR_MS).toISOString(), reads: busiest[1] } }),
    unusual: reported.flatMap(([name, day]) => unusualOf(name, day, days)).sort((a, b) => (a.day < b.day ? -1 : 1)),
  };
}

function unusualOf(name: string, day: Day, days: ReadonlyMap<string, Day>): Unusual[] {
  const others = [...days].filter(([other]) => other !== name).map(([, other]) => other);
  const usual = median(others.map(({ seen }) => seen));
  const before = [...days].filter(([other]) => other < name).map(([, { seen }]) => seen);
  const nights = others.reduce((total, { atNight }) => total + atNight, 0);
  const reads = others.reduce((total, other) => total + other.reads, 0);
  const found: (Unusual | false)[] = [
    day.seen > 20 && others.length > 0 && day.seen > 5 * usual && of('many-people', day.seen, usual),
    day.seen > 100 && before.every((seen) => seen <= 100) && of('first-bulk', day.seen, Math.max(0, ...before)),
    day.atNight >= 10 && reads > 0 && nights * 10 <= reads && of('at-night', day.atNight),
    day.denials > 10 && of('many-denials', day.denials),
  ];
  return found.filter((each) => each !== false);

  function of(rule: Rule, counted: number, compared?: number): Unusual {
    return { rule, day: name, counted, ...(compared !== undefined && { usual: compared }) };
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2;
}
