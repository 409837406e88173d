/// A client that reads streams or polls: one request for each of its channels, for these ways know one channel each.
final class ReaderClient: ListeningClient {
    let kind: ClientKind
    let index: Int
    let listens: [Int]
    private(set) var isAwayByWish = false
    private var comesBackAt: Int64 = 0
    private let readers: [ChannelReader]

    init(kind: ClientKind, index: Int, channels: [Int], loop: ChaosLoop, form: ReaderForm) {
        self.kind = kind
        self.index = index
        listens = channels
        readers = channels.map { ChannelReader(kind: kind, client: index, channel: $0, form: form, loop: loop) }
    }

    var isConnected: Bool { readers.contains(where: \.isWhole) }
    var isWhole: Bool { readers.allSatisfy(\.isWhole) }

    func step(_ now: Int64) {
        if isAwayByWish, now >= comesBackAt { isAwayByWish = false }
        guard !isAwayByWish else { return }
        for reader in readers { reader.step(now) }
    }

    /// There is no farewell: whoever does not want to read on is gone.
    func leave(for time: Int64, politely: Bool, now: Int64) {
        isAwayByWish = true
        comesBackAt = now + time
        for reader in readers { reader.stop() }
    }

    func end() {
        for reader in readers { reader.stop() }
    }

    func publish() -> Bool { false }
}
