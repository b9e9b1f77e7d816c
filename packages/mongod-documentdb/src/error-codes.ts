/** MongoDB's names of the codes that the gateway gives or passes on. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'InternalError'],
  [2, 'BadValue'],
  [6, 'HostUnreachable'],
  [7, 'HostNotFound'],
  [9, 'FailedToParse'],
  [11, 'UserNotFound'],
  [13, 'Unauthorized'],
  [14, 'TypeMismatch'],
  [17, 'ProtocolError'],
  [18, 'AuthenticationFailed'],
  [20, 'IllegalOperation'],
  [22, 'InvalidBSON'],
  [23, 'AlreadyInitialized'],
  [24, 'LockTimeout'],
  [26, 'NamespaceNotFound'],
  [27, 'IndexNotFound'],
  [28, 'PathNotViable'],
  [40, 'ConflictingUpdateOperators'],
  [43, 'CursorNotFound'],
  [48, 'NamespaceExists'],
  [50, 'MaxTimeMSExpired'],
  [52, 'DollarPrefixedFieldName'],
  [53, 'InvalidIdField'],
  [54, 'NotSingleValueField'],
  [56, 'EmptyFieldName'],
  [57, 'DottedFieldName'],
  [59, 'CommandNotFound'],
  [64, 'WriteConcernFailed'],
  [66, 'ImmutableField'],
  [67, 'CannotCreateIndex'],
  [68, 'IndexAlreadyExists'],
  [72, 'InvalidOptions'],
  [73, 'InvalidNamespace'],
  [76, 'NoReplicationEnabled'],
  [85, 'IndexOptionsConflict'],
  [86, 'IndexKeySpecsConflict'],
  [89, 'NetworkTimeout'],
  [91, 'ShutdownInProgress'],
  [93, 'InvalidReplicaSetConfig'],
  [94, 'NotYetInitialized'],
  [112, 'WriteConflict'],
  [115, 'CommandNotSupported'],
  [121, 'DocumentValidationFailure'],
  [125, 'CommandFailed'],
  [189, 'PrimarySteppedDown'],
  [225, 'TransactionTooOld'],
  [251, 'NoSuchTransaction'],
  [256, 'TransactionCommitted'],
  [262, 'ExceededTimeLimit'],
  [263, 'OperationNotSupportedInTransaction'],
  [322, 'APIVersionError'],
  [9001, 'SocketException'],
  [10107, 'NotWritablePrimary'],
  [10334, 'BSONObjectTooLarge'],
  [11000, 'DuplicateKey'],
  [11600, 'InterruptedAtShutdown'],
  [11602, 'InterruptedDueToReplStateChange'],
  [13388, 'StaleConfig'],
  [13435, 'NotPrimaryNoSecondaryOk'],
  [13436, 'NotPrimaryOrSecondary'],
  [14031, 'OutOfDiskSpace'],
]);

/** MongoDB's code for each ordinal that the engine gives its errors. */
const BY_ORDINAL: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 2],
  [3, 9],
  [4, 14],
  [6, 20],
  [8, 26],
  [9, 27],
  [10, 28],
  [13, 40],
  [14, 43],
  [15, 48],
  [16, 52],
  [18, 54],
  [19, 56],
  [20, 57],
  [22, 66],
  [23, 67],
  [24, 68],
  [25, 72],
  [26, 73],
  [27, 85],
  [28, 86],
  [30, 115],
  [42, 263],
  [47, 10334],
  [48, 11000],
  [185, 31138],
  [282, 40324],
  [283, 40352],
  [296, 40415],
  [456, 121],
]);

/** Codes after which a driver may send a retryable write once more. */
export const RETRYABLE_CODES: ReadonlySet<number> = new Set([
  6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436,
]);

/** MongoDB calls an error without a name of its own after the place that raised it. */
export function codeName(code: number): string {
  return NAMES.get(code) ?? `Location${code}`;
}

/** The code of an SQLSTATE of the engine's own: `M` and the ordinal in base 36. Unknown ordinals are InternalError. */
export function codeOfEngineState(state: string): number | undefined {
  if (!/^M[0-9A-Z]{4}$/.test(state)) return undefined;
  return BY_ORDINAL.get(Number.parseInt(state.slice(1), 36)) ?? 1;
}

/** Write errors carry an SQLSTATE where MongoDB has its code: larger than any code of MongoDB's, or negative. */
export function isPackedState(code: number): boolean {
  return code > 0xfffff || code < 0;
}

/** Undoes PostgreSQL's packing of an SQLSTATE: five characters of six bits, counted from '0', the first one lowest. */
export function unpackState(packed: number): string {
  return [0, 6, 12, 18, 24].map((shift) => String.fromCharCode(((packed >> shift) & 63) + 48)).join('');
}
