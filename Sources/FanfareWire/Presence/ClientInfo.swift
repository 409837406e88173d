import NIOCore

/// Who a client of a channel is, as others may know it (Centrifuge client protocol: ClientInfo).
public struct ClientInfo: Sendable, Equatable {
    /// The connection; no other one in the cluster has the same.
    public var client: ExactText
    /// The person; empty for an anonymous client.
    public var user: ExactText
    /// What its token says of the connection: JSON.
    public var connInfo: ByteBuffer?
    /// What its token says of it in this channel: JSON.
    public var chanInfo: ByteBuffer?

    public init(client: ExactText, user: ExactText = "", connInfo: ByteBuffer? = nil, chanInfo: ByteBuffer? = nil) {
        self.client = client
        self.user = user
        self.connInfo = connInfo
        self.chanInfo = chanInfo
    }

    /// Reads ``json``; `nil` for anything that no node wrote. What it holds leaves as text, so it has to be UTF-8, and clients
    /// parse it, so it may be no deeper than ``JSONDepth/maximum``.
    public init?(json: ByteBuffer) {
        guard json.withUnsafeReadableBytes({ UTF8Validator.isValid($0) }), let members = JSONMembers(json),
            let client = members["client"]?.text, !client.isEmpty
        else {
            return nil
        }
        self.init(
            client: client, user: members["user"]?.text ?? "", connInfo: members["conn_info"]?.bytes,
            chanInfo: members["chan_info"]?.bytes)
        let isAllowed = [connInfo, chanInfo].compactMap(\.self).allSatisfy {
            $0.readableBytes <= Self.maximumInfoBytes && !JSONDepth.isExceeded(by: $0)
        }
        guard isAllowed else { return nil }
    }

    /// JSON that others may see of a client, on one line; `nil` for anything else, and for what is larger or deeper than it may be.
    public static func checked(_ info: ByteBuffer) -> ByteBuffer? {
        guard info.readableBytes <= maximumInfoBytes, let json = JSONLine(info), !JSONDepth.isExceeded(by: json.bytes)
        else {
            return nil
        }
        return json.bytes
    }

    /// Bytes of ``json``, about: without what has to be escaped, and without making it.
    public var size: Int {
        64 + user.string.utf8.count + client.string.utf8.count + (connInfo?.readableBytes ?? 0)
            + (chanInfo?.readableBytes ?? 0)
    }

    /// `{"user":"…","client":"…","conn_info":…}` in one line: how it is kept between nodes and how clients get it.
    public var json: ByteBuffer {
        var buffer = ByteBuffer()
        write(into: &buffer)
        return buffer
    }

    /// Writes ``json``.
    public func write(into buffer: inout ByteBuffer) {
        buffer.writeStaticString(#"{"user":"#)
        JSONWriter.writeString(user.string, into: &buffer)
        buffer.writeStaticString(#","client":"#)
        JSONWriter.writeString(client.string, into: &buffer)
        if let connInfo {
            buffer.writeStaticString(#","conn_info":"#)
            buffer.writeLine(connInfo)
        }
        if let chanInfo {
            buffer.writeStaticString(#","chan_info":"#)
            buffer.writeLine(chanInfo)
        }
        buffer.writeStaticString("}")
    }
}

extension ByteBuffer {
    fileprivate mutating func writeLine(_ json: ByteBuffer) {
        let start = writerIndex
        writeImmutableBuffer(json)
        replaceLineBreaks(from: start)
    }
}
