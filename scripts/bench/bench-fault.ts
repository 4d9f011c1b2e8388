/** A reason to end the bench that its sentence explains; a stack would only hide it. */
export class BenchFault extends Error {}
