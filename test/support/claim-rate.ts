let answer: ((keyId: string) => boolean) | undefined;

/** What the objects under test are told of the rate of a key; undefined: that it is not used up. */
export function setClaimRate(take: ((keyId: string) => boolean) | undefined): void {
  answer = take;
}

export const testClaimRate = { take: async (keyId: string) => answer?.(keyId) ?? true };
