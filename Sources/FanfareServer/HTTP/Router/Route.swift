import FanfareWire
import HTTPTypes

/// A path, or one of each channel, and who answers there.
struct Route: Sendable {
    /// What a request's path must be.
    enum Place: Sendable, Equatable {
        /// Exactly this.
        case path(String)
        /// `/channels/{channel}`, and behind it a slash and this where it is not empty.
        case channel(String)
    }

    let place: Place
    let methods: [HTTPRequest.Method]
    private let make: @Sendable (ChannelName?) -> any Endpoint

    static func path(
        _ path: String, _ methods: [HTTPRequest.Method], _ make: @escaping @Sendable () -> any Endpoint
    ) -> Route {
        Route(place: .path(path), methods: methods) { _ in make() }
    }

    static func channel(
        _ suffix: String, _ methods: [HTTPRequest.Method], _ make: @escaping @Sendable (ChannelName) -> any Endpoint
    ) -> Route {
        Route(place: .channel(suffix), methods: methods) { channel in
            guard let channel else { preconditionFailure("a route of channels without one") }
            return make(channel)
        }
    }

    /// - Parameter channel: the one in the path, where its place has one.
    func endpoint(_ channel: ChannelName?) -> any Endpoint { make(channel) }
}

/// A path taken apart. Pure; compared by bytes.
struct RoutePath {
    private let path: Substring.UTF8View
    /// What stands between `/channels/` and the next slash, and what behind that; `nil`: it is no channel's.
    private let channel: (name: Substring.UTF8View, suffix: Substring.UTF8View)?

    /// - Parameter target: path and query.
    init(_ target: String) {
        path = target.utf8.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.count == 3 || segments.count == 4, segments[0].isEmpty,
            segments[1].elementsEqual("channels".utf8), segments.count == 3 || !segments[3].isEmpty
        else {
            channel = nil
            return
        }
        channel = (segments[2], segments.count == 4 ? segments[3] : Substring("").utf8)
    }

    /// Whether a route is for this path.
    func fits(_ place: Route.Place) -> Bool {
        switch place {
        case .path(let text): path.elementsEqual(text.utf8)
        case .channel(let suffix): channel?.suffix.elementsEqual(suffix.utf8) ?? false
        }
    }

    /// The channel in it; `nil`: there is none.
    ///
    /// - Parameter limit: most bytes of its name.
    func channelName(limit: Int) throws(ChannelNameError) -> ChannelName? {
        guard let channel else { return nil }
        guard let name = PercentEncoding.decoded(channel.name) else { throw .notUTF8 }
        return try ChannelName(name, limit: limit)
    }
}
