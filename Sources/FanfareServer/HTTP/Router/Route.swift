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
        /// This, or any path below it, with any method: a protocol whose paths and methods are its own.
        case under(String)
    }

    let place: Place
    /// Empty: all of them.
    let methods: [HTTPRequest.Method]
    private let make: @Sendable (ChannelName?, _ rest: String) -> any Endpoint

    static func path(
        _ path: String, _ methods: [HTTPRequest.Method], _ make: @escaping @Sendable () -> any Endpoint
    ) -> Route {
        Route(place: .path(path), methods: methods) { _, _ in make() }
    }

    static func channel(
        _ suffix: String, _ methods: [HTTPRequest.Method], _ make: @escaping @Sendable (ChannelName) -> any Endpoint
    ) -> Route {
        Route(place: .channel(suffix), methods: methods) { channel, _ in
            guard let channel else { preconditionFailure("a route of channels without one") }
            return make(channel)
        }
    }

    /// - Parameter make: is given what stands behind the prefix: nothing, or a slash and more.
    static func under(_ prefix: String, _ make: @escaping @Sendable (_ rest: String) -> any Endpoint) -> Route {
        Route(place: .under(prefix), methods: []) { _, rest in make(rest) }
    }

    /// Engine.IO on a path, with a slash behind it or without: clients send either.
    static func engineIO(_ path: String, _ opening: @escaping EngineIOEndpoint.Opening) -> Route {
        .under(path) { rest in
            guard rest.utf8.count <= 1 else {
                return RefusingEndpoint(
                    reason: .notFound, status: .notFound, message: "no such path; Engine.IO is at \(path)/")
            }
            return EngineIOEndpoint(opening: opening)
        }
    }

    /// - Parameters:
    ///   - channel: the one in the path, where its place has one.
    ///   - target: the request target.
    func endpoint(_ channel: ChannelName?, _ target: String) -> any Endpoint {
        guard case .under(let prefix) = place else { return make(channel, "") }
        return make(channel, RoutePath(target).rest(behind: prefix))
    }
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
        case .under(let prefix):
            path.starts(with: prefix.utf8)
                && (path.count == prefix.utf8.count || path.dropFirst(prefix.utf8.count).first == UInt8(ascii: "/"))
        }
    }

    /// What stands behind a prefix that it begins with, without the query.
    func rest(behind prefix: String) -> String { String(Substring(path.dropFirst(prefix.utf8.count))) }

    /// The channel in it; `nil`: there is none.
    ///
    /// - Parameter limit: most bytes of its name.
    func channelName(limit: Int) throws(ChannelNameError) -> ChannelName? {
        guard let channel else { return nil }
        guard let name = PercentEncoding.decoded(channel.name) else { throw .notUTF8 }
        return try ChannelName(name, limit: limit)
    }
}
