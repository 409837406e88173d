/// How a node speaks SockJS.
public struct SockJSOptions: Sendable, Equatable {
    /// Where its services are; empty: nowhere.
    public var path = "/sockjs"
    /// Whether clients are to send cookies along, for balancers that keep a client with its node by one.
    public var needsCookies = false
    /// The address of sockjs-client, for the page that browsers without CORS load in a frame; empty: there is no such page.
    public var clientURL = ""

    // What only conformance suites want to be different.

    /// Bytes of frames after which an answer that goes on ends, so that browsers let go of it; the client asks again.
    var responseLimit = 131_072
    /// Whether there is WebSocket.
    var hasWebSocket = true
    /// Whether the answers to any page are for requests with cookies, too.
    var allowsCookiesOfAll = false

    public init() {}

    /// For how long a session stays without a receiver.
    static let gap = Duration.seconds(5)
    /// Between two signs of life where the node sends no pings; the client expects them at least that often.
    static let heartbeat = Duration.seconds(25)
}
