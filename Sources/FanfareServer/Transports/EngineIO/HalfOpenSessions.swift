/// Sessions of one event loop whose client has not come back since the handshake: a bounded number, of which the oldest makes room.
struct HalfOpenSessions {
    private var line = OldestFirst<EngineIOPolling>()
    private(set) var count = 0

    /// Takes one in; it leaves with the place that it is given.
    mutating func add(_ session: EngineIOPolling) -> Int {
        count += 1
        return line.append(session)
    }

    mutating func remove(_ place: Int) {
        count -= 1
        line.remove(place)
    }

    /// Who has to go; `nil`: there is room for one more.
    var surplus: EngineIOPolling? { count >= EngineIOBounds.halfOpen ? line.oldest : nil }
}
