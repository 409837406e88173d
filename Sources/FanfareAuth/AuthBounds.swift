// What this module holds and does at most, where no setting says it.

extension ClaimReader {
    /// Most entries of a list in a token.
    static let maximumEntries = 256
}

extension KeySet {
    /// Most keys of a set; providers have two or three.
    static let maximumKeys = 64
}

extension KeySetLoader {
    /// Bytes of a key set; a key with its certificates has some thousands.
    static let maximumBytes = 262_144
    /// For the whole answer of a URL.
    static let timeout = Duration.seconds(5)
}

extension KeyRing {
    /// Most tokens that are remembered while their keys are waited for; 16 bytes each. Beyond that all begin to wait anew.
    static let maximumWaiting = 4_096
}
