internal import Glibc

/// A thread that does one thing and ends. Whoever starts it waits for it before the things that it uses go away.
@safe
package final class WorkerThread {
    private var thread = pthread_t()
    private var isJoined = false

    private final class Work {
        let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
    }

    /// Starts to do `body`.
    /// - Throws: when the system has no more threads.
    /// - SeeAlso: pthread_create(3)
    package init(_ body: @escaping () -> Void) throws(ArchiveError) {
        // SAFETY: the retained object is handed to the new thread, which releases it.
        let work = unsafe Unmanaged.passRetained(Work(body))
        let result = unsafe pthread_create(
            &thread, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                // SAFETY: the pointer made above, taken once.
                unsafe Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body()
                return nil
            }, work.toOpaque())
        if result != 0 {
            // SAFETY: no thread was made, so nobody else releases it.
            unsafe work.release()
            isJoined = true
            throw .format("no thread could be started (error \(result))")
        }
    }

    /// Waits until it has ended; once.
    package func join() {
        if isJoined { return }
        isJoined = true
        // SAFETY: a thread made in init that nobody else waits for.
        _ = pthread_join(thread, nil)
    }

    deinit { join() }
}

/// A lock with one condition: something has changed.
@safe
final class Monitor {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        // SAFETY: both are owned by this object, initialised here and destroyed in deinit.
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        // SAFETY: made in init; nobody waits any more when the last reference goes.
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(condition)
        unsafe mutex.deallocate()
        unsafe condition.deallocate()
    }

    /// Does `body` while no other thread does.
    func whileLocked<Result>(_ body: () -> Result) -> Result {
        // SAFETY: initialised in init.
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Inside of `whileLocked`: lets others have the lock until something has changed.
    // SAFETY: the caller holds the lock.
    func wait() { unsafe pthread_cond_wait(condition, mutex) }

    /// Tells all that wait.
    // SAFETY: initialised in init.
    func tell() { unsafe pthread_cond_broadcast(condition) }
}
