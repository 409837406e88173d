import NIOCore

/// How publications are said on one connection of a publisher: bytes out, bytes in, no I/O.
protocol PublishDialect {
    /// Publications that may wait for their answers on one connection.
    var window: Int { get }

    /// What a new connection says first; `nil`: it is ready at once.
    mutating func opening() -> ByteBuffer?

    /// Appends a publication.
    ///
    /// - Parameter id: grows by one with each on the connection, from ``firstPublishID`` on.
    mutating func write(_ stamp: Stamp, id: UInt32, into buffer: inout ByteBuffer)

    /// Takes what came and tells what it means.
    mutating func read(_ bytes: ByteBuffer, _ body: (PublishEvent) -> Void) throws(PublishMistake)
}

/// Below it are the ids of what a connection says first.
let firstPublishID: UInt32 = 10

/// What a publisher's connection heard.
enum PublishEvent: Equatable {
    /// Publications may be sent.
    case ready
    /// The publication with this id is in.
    case accepted(UInt32)
    /// The publication with this id is not in, and why.
    case refused(UInt32, String)
    /// Bytes that must go back.
    case send(ByteBuffer)
}

/// Why a publisher's connection can't go on.
struct PublishMistake: Error, Equatable, CustomStringConvertible {
    let description: String
}
