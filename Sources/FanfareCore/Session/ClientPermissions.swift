/// What a client may do. Tokens will give these; now the configuration gives them to anonymous clients.
public struct ClientPermissions: Sendable, Equatable {
    /// Have a session at all.
    public var mayConnect: Bool
    /// Hear of channels.
    public var maySubscribe: Bool
    /// Publish into channels.
    public var mayPublish: Bool

    /// Nothing.
    public static let none = ClientPermissions(mayConnect: false, maySubscribe: false, mayPublish: false)
    /// Listen only.
    public static let subscribe = ClientPermissions(mayConnect: true, maySubscribe: true, mayPublish: false)
    /// Everything.
    public static let publish = ClientPermissions(mayConnect: true, maySubscribe: true, mayPublish: true)

    public init(mayConnect: Bool, maySubscribe: Bool, mayPublish: Bool) {
        self.mayConnect = mayConnect
        self.maySubscribe = maySubscribe
        self.mayPublish = mayPublish
    }
}
