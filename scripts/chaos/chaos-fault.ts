/** A reason to end the campaign that its sentence explains; a stack would only hide it. */
export class ChaosFault extends Error {}

/** The service does not have the operation that was called. */
export class OperationMissing extends ChaosFault {}
