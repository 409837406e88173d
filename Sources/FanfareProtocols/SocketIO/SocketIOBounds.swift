/// What one Socket.IO client may have or send at most. What an operator may want otherwise is in `Limits`.
enum SocketIOBounds {
    /// Bytes of a namespace with its slash: a channel's name holds it.
    static let namespaceBytes = 256
    /// Namespaces of one connection. Each is a handshake with a token, a socket id and subscriptions of its own.
    static let namespaces = 16
    /// Digits of an acknowledgement's id: whole numbers of JavaScript have no more.
    static let idDigits = 15
    /// Arguments of an event that are looked at: no command has more.
    static let arguments = 2
    /// Attachments of a publication that is an event: official clients refuse more.
    static let publishedAttachments = 10
    /// Members of a handshake's object.
    static let authMembers = 64
    /// Bytes of an offset that says where a client is in its channels. It comes with every event of a channel that is recovered; a
    /// client with longer ones begins anew.
    static let offsetBytes = 1_024
    /// Bytes that an event of the recovery has beside its payload, its namespace and its offset: packet, name and frame. They count
    /// against what a client may recover.
    static let eventBytes = 48
    /// Publications of the recovery that are looked at in one turn: with offsets of a kilobyte some 3 µs each.
    static let missedEvents = 64
    /// Bytes of a session's private id as clients may show it; those of nodes have 32.
    static let privateIDBytes = 64
    /// Handshakes with a token that was refused, for a connection: each is a signature to check.
    static let refusals = 3
    /// Answers that a client waits for: as many publishes as may be under way, and a read.
    static let calls = 1_024
}
