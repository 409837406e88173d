import FanfareCore
import FanfareWire

/// Rooms that clients have without asking, where a node takes emitters: all of a namespace, and each socket's own.
///
/// Both are private channels (``ChannelBoundary/token``): nobody is let in but by the node.
public enum SocketIORooms {
    /// First character of a socket's id where sockets have rooms of their own: no usual name of a room is like it.
    public static let idMark = "~"
    /// Bytes of such an id.
    static let idBytes = 20

    /// Whether a room is a socket's own, by its name.
    static func isOwn(_ room: ExactText) -> Bool {
        room.utf8.count == idBytes && room.utf8.first == UInt8(ascii: "~")
    }

    /// The channel of all clients of a namespace: `$socket.io`, `$socket.io/chat`. It has the rules of channels without a namespace.
    static func all(_ namespace: ExactText) -> ChannelName? {
        try? ChannelName("$socket.io" + (namespace == "/" ? "" : namespace.string))
    }

    /// The channel of one socket.
    static func own(_ id: String) -> ChannelName? { try? ChannelName("$" + id) }

    /// Whether a channel is one of the above.
    static func isRoom(_ channel: ChannelName, of namespace: ExactText) -> Bool {
        let name = channel.string
        guard name.utf8.first == UInt8(ascii: "$") else { return false }
        return isOwn(ExactText(name.dropFirst())) || channel == all(namespace)
    }

    /// Whether there is such a namespace.
    static func isNamespace(_ name: ExactText, _ rules: ChannelRulebook) -> Bool {
        name == "/"
            || name.utf8.first == UInt8(ascii: "/") && rules.namespaces[SocketIONamespace.channels(of: name)] != nil
    }

    static func all(_ namespace: ExactText, _ rules: ChannelRulebook) throws(EmitterError) -> ChannelName {
        guard isNamespace(namespace, rules), let channel = all(namespace) else {
            throw EmitterError("there is no namespace '\(namespace.string.prefix(64))'")
        }
        return channel
    }

    static func channel(
        _ room: ExactText, _ namespace: ExactText, _ rules: ChannelRulebook, _ limit: Int
    ) throws(EmitterError) -> ChannelName {
        _ = try all(namespace, rules)
        if isOwn(room), let channel = own(room.string) { return channel }
        do {
            let channel = try ChannelName(SocketIONamespace.channel(of: room, in: namespace), limit: limit)
            guard rules.rules(channel) != nil else {
                throw EmitterError("the room '\(channel)' is in a namespace that is not known")
            }
            return channel
        } catch let error as ChannelNameError {
            throw EmitterError("a room: \(error)")
        } catch {
            throw EmitterError("\(error)")
        }
    }

    /// Those of rooms, each once.
    static func channels(
        _ rooms: [ExactText], _ namespace: ExactText, _ rules: ChannelRulebook, _ limit: Int
    ) throws(EmitterError) -> [ChannelName] {
        var (channels, seen): ([ChannelName], Set<ChannelName>) = ([], [])
        for room in rooms {
            let channel = try channel(room, namespace, rules, limit)
            if seen.insert(channel).inserted { channels.append(channel) }
        }
        return channels
    }
}
