import FanfareProtocols

/// Which emitters of Socket.IO the node hears on its Redis.
public struct EmitterOptions: Sendable {
    /// A form in which backends publish.
    enum Format: String, CaseIterable, Sendable {
        /// `@socket.io/redis-emitter` and its kin.
        case redis
        /// `python-socketio` and Flask-SocketIO.
        case python
    }

    /// Words with commas between them, as ``formats`` reads them; empty: none.
    public var text = ""
    /// First part of the channels of ``Format/redis``.
    public var key = "socket.io"
    /// Channels of ``Format/python``, with commas between them.
    public var channels = "socketio,flask-socketio"

    public init() {}

    /// `nil`: a word is none of them.
    private static func read(_ text: String) -> Set<Format>? {
        var formats: Set<Format> = []
        for word in text.split(separator: ",") {
            guard let format = Format(rawValue: word.filter { $0 != " " }) else { return nil }
            formats.insert(format)
        }
        return formats
    }

    var formats: Set<Format> { Self.read(text) ?? [] }

    var isValid: Bool { Self.read(text) != nil }

    var channelNames: [String] { channels.split(separator: ",").map { String($0.filter { $0 != " " }) } }

    var redis: RedisEmitter? { formats.contains(.redis) ? RedisEmitter(key: key) : nil }

    var python: PythonEmitter? { formats.contains(.python) ? PythonEmitter(channels: channelNames) : nil }

    /// Whether a text can be a key, or the name of a channel: what is in no pattern of Redis and not between parts of a name.
    static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.utf8.allSatisfy { (0x21...0x7E).contains($0) && !"#*?[]\\,".utf8.contains($0) }
    }
}
