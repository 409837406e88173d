/// What clients may do together that have something in common.
extension Limits {
    /// What each address may do: attempts of five seconds may come at once. A client is worth one bucket of reads each time that it
    /// comes, so of what clients missed an address has twice a client's rate; at once, ten reads each of a thousand who come back
    /// together.
    public var ofAddress: ClientGroup.Allowance {
        ClientGroup.Allowance(
            connections: maxConnectionsPerAddress > 0 ? maxConnectionsPerAddress : nil,
            attempts: maxConnectRatePerAddress > 0
                ? Rate(perSecond: maxConnectRatePerAddress, burst: 5 * maxConnectRatePerAddress) : nil,
            recoveries: maxReadRate > 0
                ? Rate(perSecond: 2 * maxReadRate, burst: max(2 * maxReadRate, Self.recoveriesAtOnce)) : nil,
            recoveryBytes: maxRecoveryBytes / 8)
    }

    /// What each user may do.
    public var ofUser: ClientGroup.Allowance {
        ClientGroup.Allowance(
            connections: maxConnectionsPerUser > 0 ? maxConnectionsPerUser : nil,
            messages: maxUserMessageRate > 0
                ? Rate(perSecond: maxUserMessageRate, burst: max(maxUserMessageRate, maxCommandsPerMessage)) : nil,
            publications: maxUserPublishRate > 0 ? Rate(perSecond: maxUserPublishRate) : nil)
    }
}
