/// How a client of the Centrifuge protocol is connected that has no socket for both ways.
public final class CentrifugeLink: Sendable {
    /// It only hears: pushes, without replies to commands and without an envelope.
    public static let unidirectional = CentrifugeLink(session: nil)
    /// The same, and its first message brought the token that counts.
    static let unidirectionalWithToken = CentrifugeLink(session: nil)

    /// What it shows with each of the requests that bring its commands (emulation); `nil`: it sends none.
    let session: String?

    private init(session: String?) { self.session = session }

    /// It hears a stream, and sends its commands in requests.
    ///
    /// - Parameter session: unguessable, for whoever has it speaks for the client.
    public static func emulated(session: String) -> CentrifugeLink { CentrifugeLink(session: session) }
}
