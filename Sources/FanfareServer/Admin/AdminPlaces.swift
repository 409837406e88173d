/// Who has a connection to the admin port, and who gives one up when another comes: the address with the most of them, and of
/// its own the one that did nothing for longest. So nobody is refused, and whoever opens them by the hundred only takes them
/// from itself; a health check from another address is answered in any case. Pure.
struct AdminPlaces {
    private struct Place {
        let address: ClientAddress
        /// Grows with everything that anybody does.
        var moment: UInt64
        /// Whether it waits for an answer.
        var isBusy = false
    }

    let limit: Int
    private var places: [Int: Place] = [:]
    private var counts: [ClientAddress: Int] = [:]
    private var moment: UInt64 = 0

    init(limit: Int) { self.limit = max(1, limit) }

    var count: Int { places.count }

    /// Takes in a connection of an address, as it is counted.
    ///
    /// - Returns: the one that has to go for it, if any; it has left.
    mutating func enter(_ id: Int, from address: ClientAddress) -> Int? {
        counts[address, default: 0] += 1
        // It is looked for before the new one is among them.
        let leaver = places.count >= limit ? idlest() : nil
        if let leaver { leave(leaver) }
        moment += 1
        places[id] = Place(address: address, moment: moment)
        return leaver
    }

    /// A connection's request is complete, or answered.
    mutating func note(_ id: Int, isBusy: Bool) {
        moment += 1
        places[id]?.moment = moment
        places[id]?.isBusy = isBusy
    }

    /// A connection has ended. Safe to call again.
    mutating func leave(_ id: Int) {
        guard let place = places.removeValue(forKey: id) else { return }
        let left = counts[place.address, default: 1] - 1
        counts[place.address] = left > 0 ? left : nil
    }

    /// Walks over all of them: only when the port is full, and then they are few.
    private func idlest() -> Int? {
        func rank(_ place: Place) -> (Int, Int, UInt64) {
            (-counts[place.address, default: 0], place.isBusy ? 1 : 0, place.moment)
        }
        return places.min { rank($0.value) < rank($1.value) }?.key
    }
}
