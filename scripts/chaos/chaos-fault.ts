/** A reason to end the campaign that its sentence explains; a stack would only hide it. */
export class ChaosFault extends Error {}
