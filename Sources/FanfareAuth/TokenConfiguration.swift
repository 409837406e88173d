import FanfareWire

/// Which tokens a node believes.
public struct TokenConfiguration: Sendable {
    /// Secrets of HMAC; several while one replaces another.
    public var secrets: [Secret] = []
    /// PEM file of public keys or certificates.
    public var publicKeyFile: String?
    /// Where the key set is.
    public var keySet: KeySetLocation?
    /// What a token's header may ask for.
    public var algorithms = TokenAlgorithm.usual
    /// What `aud` must hold; `nil`: anything or nothing.
    public var audience: ExactText?
    /// What `iss` must be; `nil`: anything or nothing.
    public var issuer: ExactText?
    /// How far the clocks of node and backend may be apart.
    public var leeway = Duration.seconds(5)
    /// Least time between two reads of the key set, whatever tokens ask for.
    public var keySetInterval = Duration.seconds(10)
    /// After that long the key set is read again, so that keys that were taken out of it end.
    public var keySetMaxAge = Duration.seconds(300)

    public init() {}

    /// Whether there is any key, so that tokens mean something here.
    public var isEnabled: Bool { !secrets.isEmpty || publicKeyFile != nil || keySet != nil }
}
